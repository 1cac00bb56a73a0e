import { expect, test } from "vitest";
import { bytesText, durationText, seconds, valueText } from "./numbers";

test("durations", () => {
  expect(seconds("1.5s")).toBe(1.5);
  expect(seconds(null)).toBeNull();
  expect(seconds("nonsense")).toBeNull();
  expect([null, 0, 0.00085, 0.0123456, 1.254, 65, 3600, 3725].map(durationText)).toEqual([
    "–", "0 ms", "850 µs", "12.3 ms", "1.25 s", "1 min 5 s", "1 h", "1 h 2 min",
  ]);
});

test("sizes", () => {
  expect(["0", "1023", 1024, 10 * 1024 * 1024, undefined].map(bytesText)).toEqual(["0 B", "1023 B", "1 KiB", "10 MiB", "0 B"]);
});

test("values in their units", () => {
  expect(valueText(1_500_000, "ns")).toBe("1.5 ms");
  expect(valueText(12345.678, "")).toBe("12,345.68");
  expect(valueText(3.5, "percent")).toBe("3.5 %");
});
