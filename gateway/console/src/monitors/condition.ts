import type { components } from "../api/schema";
import type { Monitor } from "../api/types";
import { countText, durationText, seconds } from "../format/numbers";

export type Comparator = components["schemas"]["sluice.events.v1.Comparator"];

export const comparators: { value: Comparator; label: string }[] = [
  { value: "COMPARATOR_ABOVE", label: "above" },
  { value: "COMPARATOR_ABOVE_OR_EQUAL", label: "at or above" },
  { value: "COMPARATOR_BELOW", label: "below" },
  { value: "COMPARATOR_BELOW_OR_EQUAL", label: "at or below" },
];

// The server's defaults, as the API documents them.
export const defaultWindow = 300;
export const defaultEvery = 60;

// conditionText says when a monitor alerts.
export function conditionText(m: Monitor): string {
  const side = comparators.find((c) => c.value === m.comparator)?.label ?? "above";
  return `${side} ${countText(m.critical)} in ${durationText(seconds(m.window) ?? defaultWindow)}`;
}
