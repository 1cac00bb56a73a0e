import { expect, test } from "vitest";
import { agoText, clockText, fullText, rangeOf, stepFor } from "./time";

test("clock shows the date only on other days", () => {
  const now = new Date("2026-03-04T12:00:00Z");
  expect(clockText("2026-03-04T01:02:03.004Z", true, now)).toBe("01:02:03.004");
  expect(clockText("2026-03-03T01:02:03Z", true, now)).toBe("03-03 01:02:03.000");
});

test("full times name their zone", () => {
  expect(fullText("2026-03-04T01:02:03.9Z", true)).toBe("2026-03-04 01:02:03 UTC");
  expect(fullText("2026-03-04T01:02:03Z", false)).toMatch(/^2026-03-0\d \d\d:\d\d:03 [+-]\d\d:\d\d$/);
});

test("ago", () => {
  const now = Date.parse("2026-03-04T12:00:00Z");
  expect(agoText("2026-03-04T11:59:18Z", now)).toBe("42 s ago");
  expect(agoText("2026-03-04T12:00:05Z", now)).toBe("0 s ago");
  expect(agoText("2026-03-02T11:00:00Z", now)).toBe("2 d ago");
});

test("graphs get at most the points they can show", () => {
  expect(stepFor(300)).toBe(5);
  expect(stepFor(3600)).toBe(30);
  expect(stepFor(86400)).toBe(900);
  expect(rangeOf("nonsense").id).toBe("1h");
});
