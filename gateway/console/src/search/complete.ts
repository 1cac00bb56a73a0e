import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { fieldNamed, fields } from "./fields";
import { isCel, quoted } from "./terms";
import { valuesOf, type Value } from "./values";

// completeWith offers field names, the values of fields that have few, and those
// that exchanges have. CEL expressions are not completed.
export function completeWith(values: (field: string) => Promise<Value[]>) {
  return (context: CompletionContext): CompletionResult | null | Promise<CompletionResult | null> => {
    const word = context.matchBefore(/[^\s()"]*"?[^\s()"]*/);
    if (word === null || (word.from === word.to && !context.explicit) || isCel(context.state.doc.toString())) return null;
    const start = word.from + (/^[-!]/.test(word.text) ? 1 : 0);
    const text = word.text.slice(start - word.from);
    const colon = text.indexOf(":");
    if (colon < 0) return { from: start, options, validFor: /^@?[\w.-]*$/ };
    const name = text.slice(0, colon);
    return offered(start + colon + 1, fieldNamed(name)?.values ?? [], name, values);
  };
}

export const complete = completeWith(valuesOf);

async function offered(from: number, fixed: string[], name: string, values: (field: string) => Promise<Value[]>): Promise<CompletionResult | null> {
  const found = await values(name);
  const seen = new Set(found.map((v) => v.value));
  const all: Completion[] = [
    ...found.map((v, i) => ({ label: v.value, apply: quoted(v.value), detail: v.detail, type: "constant", boost: 99 - i })),
    ...fixed.filter((v) => !seen.has(v)).map((label) => ({ label, type: "constant" })),
  ];
  return all.length === 0 ? null : { from, options: all, validFor: /^[^\s()"]*$/ };
}

const options: Completion[] = fields.flatMap((f) => {
  const one = (label: string, boost: number): Completion => ({
    label,
    apply: label.endsWith(".") ? label : `${label}:`,
    detail: f.type,
    info: f.doc,
    type: "property",
    boost,
  });
  return f.short === undefined ? [one(f.name, 0)] : [one(f.short, 1), one(f.name, 0)];
});
