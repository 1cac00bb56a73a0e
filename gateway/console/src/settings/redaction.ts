import type { RedactionRule, RedactionRuleInput } from "../api/types";

// The ways in which a rule finds values; a rule has exactly one.
export const ways = [
  { id: "header", label: "Header", example: "x-session" },
  { id: "json_path", label: "JSON path", example: "$.user.password" },
  { id: "form_field", label: "Form field", example: "password" },
  { id: "query_parameter", label: "Query parameter", example: "api_key" },
  { id: "pattern", label: "Pattern (RE2)", example: "sk_live_[0-9a-zA-Z]+" },
] as const;

export type Way = (typeof ways)[number]["id"];

export interface Draft {
  key: number;
  name: string;
  way: Way;
  value: string;
}

export function draftsOf(rules: RedactionRule[]): Draft[] {
  return rules.map((r, key) => {
    const way = ways.find((w) => r[w.id] !== "")?.id ?? "header";
    return { key, name: r.name, way, value: r[way] };
  });
}

export function rulesOf(drafts: Draft[]): RedactionRuleInput[] {
  return drafts.filter((d) => d.name.trim() !== "" || d.value !== "").map((d) => ({ name: d.name.trim(), [d.way]: d.value }));
}
