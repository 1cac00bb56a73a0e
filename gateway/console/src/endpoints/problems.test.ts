import { Text } from "@codemirror/state";
import { expect, test } from "vitest";
import { diagnosticOf, offsetOf } from "./problems";

const doc = Text.of(["on_http_request:", "  - actions:", "      - type: denny", "        # 🎈 x"]);

test("places are found, also those outside", () => {
  expect(offsetOf(doc, 1, 1)).toBe(0);
  expect(doc.sliceString(offsetOf(doc, 3, 15))).toMatch(/^denny/);
  expect(doc.sliceString(offsetOf(doc, 4, 13))).toBe("x");
  expect(offsetOf(doc, 99, 99)).toBe(doc.length);
  expect(offsetOf(doc, 0, 0)).toBe(0);
});

test("the word at fault is marked", () => {
  const d = diagnosticOf(doc, { severity: "SEVERITY_ERROR", path: "", line: 3, column: 15, code: "SLUICE_2203", message: "no such action", hint: "did you mean deny?" });
  expect(doc.sliceString(d.from, d.to)).toBe("denny");
  expect(d).toMatchObject({ severity: "error", message: "no such action\ndid you mean deny?\nSLUICE_2203" });
});
