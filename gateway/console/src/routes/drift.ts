import type { Drift } from "../api/types";

// driftText names a kind of difference: KIND_UNDOCUMENTED_PATH is "undocumented path".
export function driftText(kind: Drift["kind"]): string {
  return kind.replace(/^KIND_/, "").toLowerCase().replaceAll("_", " ");
}
