import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { fields, type Field } from "./fields";

// complete offers field names, and the values of fields that have few.
export function complete(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/[^\s()"]*/);
  if (word === null || (word.from === word.to && !context.explicit)) return null;
  const start = word.from + (/^[-!]/.test(word.text) ? 1 : 0);
  const text = word.text.slice(start - word.from);
  const colon = text.indexOf(":");
  if (colon < 0) return { from: start, options, validFor: /^@?[\w.]*$/ };
  const field = fieldNamed(text.slice(0, colon));
  if (field?.values === undefined) return null;
  return { from: start + colon + 1, options: field.values.map((label) => ({ label, type: "constant" })), validFor: /^\w*$/ };
}

export function fieldNamed(name: string): Field | undefined {
  return fields.find((f) => f.name === name || f.short === name);
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
