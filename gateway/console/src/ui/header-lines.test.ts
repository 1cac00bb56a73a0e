import { expect, test } from "vitest";
import { parseHeaders } from "./header-lines";

test("headers are written as lines", () => {
  expect(parseHeaders("X-Key: a:b\n\n y:  2 \n")).toEqual({ headers: { "X-Key": "a:b", y: "2" }, problem: "" });
  expect(parseHeaders("ok: 1\nnonsense\n: x").problem).toBe('Line 2 is not "name: value".');
});
