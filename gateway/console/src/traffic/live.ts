import type { Exchange } from "../api/types";

// cap is how many live rows are kept: enough to read back, not to run out of memory.
export const cap = 2000;

// merged puts fresh exchanges, oldest first, before those that are known, newest
// first. Ids sort by time; what both hold is shown once.
export function merged(fresh: Exchange[], known: Exchange[], limit = cap): Exchange[] {
  const byId = new Map<string, Exchange>();
  for (const e of known) byId.set(e.id, e);
  for (const e of fresh) byId.set(e.id, e);
  return [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)).slice(0, limit);
}
