import { call } from "../api/client";
import { countText } from "../format/numbers";

export interface Value {
  value: string;
  detail: string;
}

const kept = new Map<string, { at: number; values: Promise<Value[]> }>();
const lifetime = 30_000;

// valuesOf are the most frequent values of a field in the last day. They are kept for
// a moment, as completion asks with each key; nothing when the server has none.
export function valuesOf(field: string): Promise<Value[]> {
  const known = kept.get(field);
  if (known !== undefined && Date.now() - known.at < lifetime) return known.values;
  const values = ask(field);
  kept.set(field, { at: Date.now(), values });
  return values;
}

async function ask(field: string): Promise<Value[]> {
  try {
    const answer = await call("get", "/api/v1/exchanges:facets", { query: { fields: [field], limit: 100 } });
    return (answer.facets[0]?.values ?? []).filter((v) => v.value !== "").map((v) => ({ value: v.value, detail: countText(v.count) }));
  } catch {
    return []; // completion is a help, and no more
  }
}
