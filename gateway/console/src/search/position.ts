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

// wordsOf are the places in a filter where fields with these names are asked for.
export function wordsOf(filter: string, names: string[]): Fault[] {
  const found: Fault[] = [];
  for (const name of names) {
    for (let at = filter.indexOf(`${name}:`); at >= 0; at = filter.indexOf(`${name}:`, at + 1)) {
      if (at > 0 && !/[\s(\-!]/.test(filter[at - 1] ?? "")) continue;
      found.push({ from: at, to: at + name.length, message: `No exchange is known to have ${name}.`, hint: "Is it misspelt?" });
    }
  }
  return found.sort((a, b) => a.from - b.from);
}
