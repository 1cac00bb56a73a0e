import { EditorState } from "@codemirror/state";
import { CompletionContext } from "@codemirror/autocomplete";
import { expect, test } from "vitest";
import { complete } from "./complete";
import { faultOf, hasTerm, withTerm } from "./position";

const detail = (column: number) => ({
  code: "INVALID_ARGUMENT", reason: "SEARCH_SYNTAX", message: "", status: 400, request_id: "",
  violations: [{ field: "filter", message: "what is wrong", hint: "what is right", line: 1, column }],
});

test("faults are underlined as far as the word goes", () => {
  expect(faultOf("status:5xx foo:(a", detail(12))).toMatchObject({ from: 11, to: 17, hint: "what is right" });
  expect(faultOf("größe x", detail(9))).toMatchObject({ from: 6, to: 7 });
});

test("a fault at the end underlines the last character", () => {
  expect(faultOf("a:(b", detail(5))).toMatchObject({ from: 3, to: 4 });
  expect(faultOf("", detail(1))).toMatchObject({ from: 0, to: 0 });
});

test("other faults are not of the filter", () => {
  expect(faultOf("x", { ...detail(1), violations: [] })).toBeNull();
});

test("chips add and remove their term", () => {
  expect(withTerm("", "status:5xx")).toBe("status:5xx");
  expect(withTerm("method:POST", "status:5xx")).toBe("method:POST status:5xx");
  expect(withTerm("status:5xx method:POST", "status:5xx")).toBe("method:POST");
  expect(hasTerm("status:5xx", "status:5")).toBe(false);
});

function labels(text: string): string[] {
  const result = complete(new CompletionContext(EditorState.create({ doc: text }), text.length, false));
  return result === null ? [] : result.options.map((o) => o.label);
}

test("completion knows fields and values", () => {
  expect(labels("")).toEqual([]);
  expect(labels("sta")).toContain("status");
  expect(labels("-@http.sta")).toContain("@http.status_code");
  expect(labels("x method:")).toContain("POST");
  expect(labels("path:/a")).toEqual([]);
});
