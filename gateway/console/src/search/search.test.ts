import { EditorState } from "@codemirror/state";
import { CompletionContext } from "@codemirror/autocomplete";
import { expect, test } from "vitest";
import { completeWith } from "./complete";
import { faultOf, wordsOf } from "./position";
import { hasTerm, isCel, negated, termFor, termsOf, withTerm } from "./terms";

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

test("terms are what stands between spaces, outside quotes and parentheses", () => {
  expect(termsOf('  a:1 path:"/x y" (b OR c d) duration:[1 TO 2] e\\ f ')).toEqual(["a:1", 'path:"/x y"', "(b OR c d)", "duration:[1 TO 2]", "e\\ f"]);
  expect(termsOf('"open end')).toEqual(['"open end']);
});

test("a term narrows all of a filter, and takes the place of its opposite", () => {
  expect(withTerm("a OR b", "status:5xx")).toBe("(a OR b) status:5xx");
  expect(withTerm("-status:5xx a", "status:5xx")).toBe("a status:5xx");
  expect(withTerm("status:5xx a", negated("status:5xx"))).toBe("a -status:5xx");
  expect(negated("a b")).toBe("-(a b)");
  expect(isCel(" cel: res.status > 1")).toBe(true);
});

test("values are quoted where the syntax wants it", () => {
  expect(termFor("method", "GET")).toBe("method:GET");
  expect(termFor("user", 'a "b"')).toBe('user:"a \\"b\\""');
  expect(termFor("error", "")).toBe("-error:*");
  expect(termFor("ip", "-1")).toBe('ip:"-1"');
});

test("unknown fields are found where they are asked for", () => {
  expect(wordsOf("staus:5 -(x.y:1) nostaus:2", ["staus", "x.y"])).toMatchObject([{ from: 0, to: 5 }, { from: 10, to: 13 }]);
});

const known = (field: string) => Promise.resolve(field === "path" ? [{ value: "/a b", detail: "3" }] : []);

async function offers(text: string) {
  const result = await completeWith(known)(new CompletionContext(EditorState.create({ doc: text }), text.length, false));
  return result?.options ?? [];
}

const labels = async (text: string) => (await offers(text)).map((o) => o.label);

test("completion knows fields and values", async () => {
  expect(await labels("")).toEqual([]);
  expect(await labels("sta")).toContain("status");
  expect(await labels("-@http.sta")).toContain("@http.status_code");
  expect(await labels("x method:")).toContain("POST");
  expect(await labels("user:a")).toEqual([]);
  expect(await labels("cel: res.sta")).toEqual([]);
});

test("completion offers values that exchanges have, quoted where needed", async () => {
  expect(await offers("-path:/a")).toMatchObject([{ label: "/a b", apply: '"/a b"', detail: "3" }]);
});
