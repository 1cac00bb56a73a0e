import { expect, test } from "vitest";
import { keyText, untilText } from "./text";

test("who a bucket counts", () => {
  expect(['["10.0.0.1","a b"]', "[]", "", "[1,null]", "odd"].map(keyText)).toEqual(["10.0.0.1, a b", "everybody", "everybody", "1, null", "odd"]);
});

test("how long until", () => {
  const now = Date.parse("2026-03-04T12:00:00Z");
  expect(untilText("2026-03-04T12:00:41.2Z", now)).toBe("in 42 s");
  expect(untilText("2026-03-04T11:59:00Z", now)).toBe("now");
  expect(untilText(null, now)).toBe("–");
});
