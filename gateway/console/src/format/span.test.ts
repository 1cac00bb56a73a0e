import { expect, test } from "vitest";
import { boundsOf, inputText, inputTime, lengthOf, parseBack, spanOf, spanText, writeSpan } from "./span";

test("spans are read from the URL, and written to it", () => {
  expect(spanOf(new URLSearchParams("range=15m"))).toEqual({ kind: "back", id: "15m", seconds: 900 });
  expect(spanOf(new URLSearchParams("range=nonsense"))).toMatchObject({ id: "1h" });
  expect(spanOf(new URLSearchParams("from=5&to=2"))).toMatchObject({ id: "1h" });
  const between = spanOf(new URLSearchParams("range=1h&from=1000&to=61000"));
  expect(between).toEqual({ kind: "between", from: 1000, to: 61000 });
  const params = new URLSearchParams("range=1h&filter=x");
  writeSpan(params, between);
  expect(params.toString()).toBe("filter=x&from=1000&to=61000");
  writeSpan(params, spanOf(new URLSearchParams("range=7d")));
  expect(params.toString()).toBe("filter=x&range=7d");
});

test("odd lengths of time are no spans", () => {
  expect([null, "", "0h", "1y", "h", "-1h", "999999h"].map(parseBack)).toEqual([null, null, null, null, null, null, null]);
});

test("bounds for the API", () => {
  const now = Date.parse("2026-03-04T12:00:00Z");
  expect(boundsOf({ kind: "back", id: "1h", seconds: 3600 }, now)).toEqual({ start_time: "2026-03-04T11:00:00.000Z" });
  expect(boundsOf({ kind: "between", from: now - 1000, to: now })).toEqual({ start_time: "2026-03-04T11:59:59.000Z", end_time: "2026-03-04T12:00:00.000Z" });
  expect(lengthOf({ kind: "between", from: now - 1000, to: now })).toBe(1);
});

test("spans for people", () => {
  const at = Date.parse("2026-03-04T12:00:00Z");
  expect(spanText({ kind: "back", id: "1h", seconds: 3600 }, true)).toBe("Past 1 hour");
  expect(spanText({ kind: "between", from: at, to: at + 5000 }, true)).toBe("2026-03-04 12:00:00 – 12:00:05");
  for (const utc of [true, false]) expect(inputTime(inputText(at, utc), utc)).toBe(at);
});
