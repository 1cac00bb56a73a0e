import type { Row } from "./row";

// capacity is how many live rows are kept. When more come, the list is read again
// from the store and the live rows that it then has are let go.
export const capacity = 20_000;

interface Entry {
  row: Row;
  // Its number in the order of arrival, from 1.
  arrival: number;
}

// LiveRows keeps what the live tail sent, oldest first. Rows come almost in the
// order of their ids, so each finds its place near the end.
export class LiveRows {
  private entries: Entry[] = [];
  private ids = new Set<string>();
  private readonly limit: number;
  arrived = 0;
  // Rows that did not fit: the list has a gap until it is read again.
  evicted = 0;

  constructor(limit = capacity) {
    this.limit = limit;
  }

  add(row: Row) {
    if (this.ids.has(row.id)) return;
    this.ids.add(row.id);
    this.arrived++;
    let at = this.entries.length;
    while (at > 0 && (this.entries[at - 1]?.row.id ?? "") > row.id) at--;
    this.entries.splice(at, 0, { row, arrival: this.arrived });
    if (this.entries.length > this.limit) this.evict(this.entries.length - this.limit);
  }

  // evict lets a tenth more go than it must, so that it seldom happens.
  private evict(count: number) {
    const gone = this.entries.splice(0, count + Math.floor(this.limit / 10));
    for (const e of gone) this.ids.delete(e.row.id);
    this.evicted += gone.length;
  }

  // forget lets go what arrived up to a number: the store has it.
  forget(arrival: number) {
    if (arrival === 0 && this.evicted === 0) return;
    const kept = this.entries.filter((e) => e.arrival > arrival);
    this.entries = kept;
    this.ids = new Set(kept.map((e) => e.row.id));
    this.evicted = 0;
  }

  newestFirst(): Row[] {
    const rows: Row[] = new Array<Row>(this.entries.length);
    this.entries.forEach((e, i) => { rows[this.entries.length - 1 - i] = e.row; });
    return rows;
  }
}

// merged puts live rows before stored ones, both newest first; what both have is
// listed once. Only the newest stored rows can be among the live ones.
export function merged(live: Row[], stored: Row[]): Row[] {
  const oldest = live[live.length - 1];
  if (oldest === undefined) return stored;
  let overlap = 0;
  while (overlap < stored.length && (stored[overlap]?.id ?? "") >= oldest.id) overlap++;
  if (overlap === 0) return live.concat(stored);
  const byId = new Map<string, Row>();
  for (const r of stored.slice(0, overlap)) byId.set(r.id, r);
  for (const r of live) byId.set(r.id, r);
  const top = [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0));
  return top.concat(stored.slice(overlap));
}

// Meter lets through at most a number a second, with a burst, and counts what it
// does not.
export class Meter {
  private tokens: number;
  private at = 0;
  private readonly perSecond: number;
  private readonly burst: number;
  skipped = 0;

  constructor(perSecond: number, burst: number) {
    this.perSecond = perSecond;
    this.burst = burst;
    this.tokens = burst;
  }

  take(now: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.at) / 1000) * this.perSecond);
    this.at = now;
    if (this.tokens < 1) {
      this.skipped++;
      return false;
    }
    this.tokens--;
    return true;
  }
}
