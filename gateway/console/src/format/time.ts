// Times are shown in the viewer's zone or in UTC, as chosen once for the console.
const key = "sluice.utc";
const listeners = new Set<() => void>();
let utc = localStorage.getItem(key) === "1";

export const zone = {
  get: () => utc,
  set(value: boolean) {
    utc = value;
    localStorage.setItem(key, value ? "1" : "0");
    for (const told of listeners) told();
  },
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => { listeners.delete(listener); };
  },
};

const pad = (n: number, width = 2) => String(n).padStart(width, "0");

interface Parts {
  day: string;
  clock: string;
}

function parts(t: Date, inUTC: boolean): Parts {
  const p = inUTC
    ? [t.getUTCFullYear(), t.getUTCMonth(), t.getUTCDate(), t.getUTCHours(), t.getUTCMinutes(), t.getUTCSeconds(), t.getUTCMilliseconds()]
    : [t.getFullYear(), t.getMonth(), t.getDate(), t.getHours(), t.getMinutes(), t.getSeconds(), t.getMilliseconds()];
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0] = p;
  return { day: `${year}-${pad(month + 1)}-${pad(day)}`, clock: `${pad(hour)}:${pad(minute)}:${pad(second)}.${pad(ms, 3)}` };
}

// clockText is the time of day to the millisecond, with the date when it is not today's.
export function clockText(iso: string, inUTC: boolean, now = new Date()): string {
  const p = parts(new Date(iso), inUTC);
  return p.day === parts(now, inUTC).day ? p.clock : `${p.day.slice(5)} ${p.clock}`;
}

// fullText is date and time with zone.
export function fullText(iso: string, inUTC: boolean): string {
  const t = new Date(iso);
  const p = parts(t, inUTC);
  return `${p.day} ${p.clock.slice(0, 8)} ${inUTC ? "UTC" : offset(t)}`;
}

function offset(t: Date): string {
  const minutes = -t.getTimezoneOffset();
  const abs = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(abs / 60))}:${pad(abs % 60)}`;
}

// agoText says how long ago, in one unit.
export function agoText(iso: string, now: number): string {
  const s = Math.max(0, Math.round((now - new Date(iso).getTime()) / 1000));
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

export interface Range {
  id: string;
  label: string;
  seconds: number;
}

// ranges are what time pickers offer.
export const ranges: Range[] = [
  { id: "5m", label: "5 minutes", seconds: 300 },
  { id: "15m", label: "15 minutes", seconds: 900 },
  { id: "1h", label: "1 hour", seconds: 3600 },
  { id: "4h", label: "4 hours", seconds: 4 * 3600 },
  { id: "24h", label: "24 hours", seconds: 86400 },
  { id: "3d", label: "3 days", seconds: 3 * 86400 },
  { id: "7d", label: "7 days", seconds: 7 * 86400 },
];

export function rangeOf(id: string | null, fallback = "1h"): Range {
  const found = ranges.find((r) => r.id === id) ?? ranges.find((r) => r.id === fallback);
  return found ?? { id: "1h", label: "1 hour", seconds: 3600 };
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];

// stepFor is the length in seconds of one point, so that a range has about as many
// points as a graph can show.
export function stepFor(rangeSeconds: number, points = 120): number {
  return steps.find((s) => rangeSeconds / s <= points) ?? 86400;
}
