import type { Histogram } from "../api/types";
import type { StatusClass } from "./message";

// What stands on top of what in the histogram: trouble at the bottom, where it is
// seen even when there is little of it.
export const layers: { kind: StatusClass; label: string; colour: string; of: (b: Histogram["buckets"][number]) => number }[] = [
  { kind: "server", label: "5xx", colour: "--bar-server", of: (b) => Number(b.status_5xx) },
  { kind: "none", label: "no answer", colour: "--bar-none", of: (b) => Number(b.no_status) },
  { kind: "client", label: "4xx", colour: "--bar-client", of: (b) => Number(b.status_4xx) },
  { kind: "redirect", label: "3xx", colour: "--bar-redirect", of: (b) => Number(b.status_3xx) },
  { kind: "info", label: "1xx", colour: "--bar-none", of: (b) => Number(b.status_1xx) },
  { kind: "ok", label: "2xx", colour: "--bar-ok", of: (b) => Number(b.status_2xx) },
];

// stacked are the times in seconds, and for each layer its top, so that the whole
// is drawn first and the lowest layer last, over it.
export function stacked(buckets: Histogram["buckets"]): number[][] {
  const tops = layers.map(() => [] as number[]);
  for (const b of buckets) {
    let sum = 0;
    layers.forEach((layer, i) => {
      sum += layer.of(b);
      tops[i]?.push(sum);
    });
  }
  return [buckets.map((b) => Date.parse(b.time ?? "") / 1000), ...tops.reverse()];
}

// brushed is the time that a brush from one place to another selects: whole bars.
export function brushed(from: number, to: number, interval: number): { from: number; to: number } {
  const start = Math.floor(from / interval) * interval;
  return { from: start * 1000, to: Math.max(start + interval, Math.ceil(to / interval) * interval) * 1000 };
}
