import { expect, test } from "vitest";
import { draftsOf, rulesOf } from "./redaction";

test("rules are edited and written back", () => {
  const none = { header: "", json_path: "", form_field: "", query_parameter: "", pattern: "" };
  const drafts = draftsOf([{ ...none, name: "a", json_path: "$.x" }, { ...none, name: "b", pattern: "k_\\d+" }]);
  expect(drafts.map((d) => [d.way, d.value])).toEqual([["json_path", "$.x"], ["pattern", "k_\\d+"]]);
  expect(rulesOf([...drafts, { key: 9, name: " ", way: "header", value: "" }])).toEqual([{ name: "a", json_path: "$.x" }, { name: "b", pattern: "k_\\d+" }]);
});
