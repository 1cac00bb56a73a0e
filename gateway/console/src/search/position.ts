import type { ErrorDetail } from "../api/types";

export interface Fault {
  from: number;
  to: number;
  message: string;
  hint: string;
}

// faultOf is where in the filter a refusal points. Columns count bytes from 1.
export function faultOf(filter: string, detail: ErrorDetail): Fault | null {
  const v = detail.violations.find((x) => x.field === "filter");
  if (v === undefined) return null;
  const from = Math.min(charAt(filter, (v.column ?? 1) - 1), filter.length);
  const rest = /^\S+/.exec(filter.slice(from));
  const to = rest === null ? from : from + rest[0].length;
  return { from: to > from ? from : Math.max(0, from - 1), to, message: v.message, hint: v.hint ?? "" };
}

// charAt is the index of the character at a byte.
function charAt(text: string, byte: number): number {
  let bytes = 0;
  let index = 0;
  for (const char of text) {
    if (bytes >= byte) break;
    bytes += new TextEncoder().encode(char).length;
    index += char.length;
  }
  return index;
}

// withTerm adds a term to a filter, or removes it when the filter has it.
export function withTerm(filter: string, term: string): string {
  const terms = filter.trim() === "" ? [] : filter.trim().split(/\s+/);
  const without = terms.filter((t) => t !== term);
  return (without.length < terms.length ? without : [...terms, term]).join(" ");
}

export function hasTerm(filter: string, term: string): boolean {
  return filter.trim().split(/\s+/).includes(term);
}
