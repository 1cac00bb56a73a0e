import { fullText } from "./time";

// Span is the time that a view looks at: back from now, or between two moments.
export type Span = { kind: "back"; id: string; seconds: number } | { kind: "between"; from: number; to: number };

const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 7 * 86400 };
const names: Record<string, string> = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };

// backSpans are what pickers offer.
export const backSpans = ["5m", "15m", "1h", "4h", "24h", "3d", "7d", "30d"];

// parseBack reads 15m, 4h or 7d; null when it is none of these.
export function parseBack(text: string | null): Span | null {
  const found = /^(\d{1,5})([smhdw])$/.exec(text ?? "");
  if (found === null) return null;
  const seconds = Number(found[1]) * (units[found[2] ?? ""] ?? 0);
  return seconds === 0 ? null : { kind: "back", id: found[0], seconds };
}

// spanOf reads a view's URL: from and to (milliseconds since 1970), or range.
export function spanOf(params: URLSearchParams, fallback = "1h"): Span {
  const from = Number(params.get("from"));
  const to = Number(params.get("to"));
  if (from > 0 && to > from) return { kind: "between", from, to };
  return parseBack(params.get("range")) ?? parseBack(fallback) ?? { kind: "back", id: "1h", seconds: 3600 };
}

// writeSpan puts a span into a view's URL.
export function writeSpan(params: URLSearchParams, span: Span) {
  for (const name of ["range", "from", "to"]) params.delete(name);
  if (span.kind === "back") params.set("range", span.id);
  else {
    params.set("from", String(Math.round(span.from)));
    params.set("to", String(Math.round(span.to)));
  }
}

export function lengthOf(span: Span): number {
  return span.kind === "back" ? span.seconds : (span.to - span.from) / 1000;
}

// boundsOf is what to ask the API for; a span back from now has no end.
export function boundsOf(span: Span, now = Date.now()): { start_time: string; end_time?: string } {
  if (span.kind === "back") return { start_time: new Date(now - span.seconds * 1000).toISOString() };
  return { start_time: new Date(span.from).toISOString(), end_time: new Date(span.to).toISOString() };
}

// spanText names a span for people.
export function spanText(span: Span, utc: boolean): string {
  if (span.kind === "back") {
    const n = Number(span.id.slice(0, -1));
    return `Past ${n} ${names[span.id.slice(-1)] ?? ""}${n === 1 ? "" : "s"}`;
  }
  const [from, to] = [fullText(new Date(span.from).toISOString(), utc), fullText(new Date(span.to).toISOString(), utc)];
  const sameDay = from.slice(0, 10) === to.slice(0, 10);
  return `${from.slice(0, 19)} – ${sameDay ? to.slice(11, 19) : to.slice(0, 19)}`;
}

// inputText and inputTime are what <input type="datetime-local"> holds: a time
// without zone, meant in the viewer's or in UTC.
export function inputText(ms: number, utc: boolean): string {
  const shift = utc ? 0 : new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - shift).toISOString().slice(0, 19);
}

export function inputTime(text: string, utc: boolean): number {
  return Date.parse(utc ? `${text}Z` : text);
}
