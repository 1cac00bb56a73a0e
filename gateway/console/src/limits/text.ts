import { durationText } from "../format/numbers";

// keyText are the values of a bucket key, which come as a JSON array.
export function keyText(json: string): string {
  try {
    const values: unknown = JSON.parse(json);
    if (!Array.isArray(values)) return json;
    return values.length === 0 ? "everybody" : values.map((v) => (typeof v === "string" ? v : JSON.stringify(v))).join(", ");
  } catch {
    return json === "" ? "everybody" : json;
  }
}

// untilText is how long it is until a moment.
export function untilText(iso: string | null, now: number): string {
  if (!iso) return "–";
  const s = Math.ceil((Date.parse(iso) - now) / 1000);
  return s <= 0 ? "now" : `in ${durationText(s)}`;
}
