import { expect, test } from "vitest";
import type { Series, Widget } from "../api/types";
import { nameOf, narrowed, queryOf, tableOf } from "./query";

const widget = (change: Partial<Widget>): Widget => ({
  id: "w", title: "Requests", kind: "WIDGET_KIND_QUERY_VALUE", filter: "", aggregation: "AGGREGATION_COUNT", field: "", percentile: 0,
  group_by: [], time_range: null, unit: "", x: 0, y: 0, width: 3, height: 2, ...change,
});
const now = Date.parse("2026-03-04T12:00:07Z");

test("a value follows the board's range, or its own", () => {
  expect(queryOf(widget({}), 900, now)).toMatchObject({ start_time: "2026-03-04T11:45:07.000Z", end_time: "2026-03-04T12:00:07.000Z" });
  const own = queryOf(widget({ time_range: "3600s" }), 900, now);
  expect(own.start_time).toBe("2026-03-04T11:00:07.000Z");
  expect(own).not.toHaveProperty("interval");
});

test("a graph asks for whole steps", () => {
  const q = queryOf(widget({ kind: "WIDGET_KIND_TIMESERIES" }), 3600, now);
  expect(q).toMatchObject({ interval: "30s", start_time: "2026-03-04T11:00:30.000Z", end_time: "2026-03-04T12:00:30.000Z" });
});

const series = (group: string[], ...points: [string, number][]): Series => ({ group, value: 0, points: points.map(([time, value]) => ({ time, value })) });

test("series of different times are put side by side", () => {
  expect(tableOf([series(["a"], ["2026-01-01T00:00:00Z", 1], ["2026-01-01T00:01:00Z", 2]), series(["b"], ["2026-01-01T00:01:00Z", 5])])).toEqual([
    [1767225600, 1767225660], [1, 2], [null, 5],
  ]);
  expect(tableOf([])).toEqual([[]]);
});

test("groups become names and filters", () => {
  const w = widget({ filter: "status:5xx OR status:4xx", group_by: ["@http.url_details.path", "service"] });
  expect(nameOf(series(["/a", ""]), "x")).toBe("/a · (none)");
  expect(nameOf(series([]), "x")).toBe("x");
  expect(narrowed(w, series(["/a", ""]))).toBe("(status:5xx OR status:4xx) @http.url_details.path:/a -service:*");
  expect(narrowed(widget({ group_by: ["user"] }), series(['a "b"']))).toBe('user:"a \\"b\\""');
});
