import { expect, test } from "vitest";
import { fresh, inputOf, placed, resized, shifted } from "./layout";

const widget = fresh([]);

test("widgets stay on the board", () => {
  expect(resized({ ...widget, x: 8, width: 4 }, 3, 0)).toMatchObject({ width: 4 });
  expect(resized(widget, -9, -9)).toMatchObject({ width: 2, height: 1 });
  expect(shifted({ ...widget, width: 6 }, 20, -5)).toMatchObject({ x: 6, y: 0 });
});

test("widgets that overlap move down, the changed one does not", () => {
  const a = { ...widget, id: "a", x: 0, y: 0, width: 6, height: 2 };
  const b = { ...widget, id: "b", x: 4, y: 1, width: 6, height: 2 };
  expect(placed([a, b]).map((w) => w.y)).toEqual([0, 2]);
  expect(placed([a, b], "b").map((w) => w.y)).toEqual([3, 1]);
});

test("new widgets come below the others, under a name of their own", () => {
  expect(fresh([{ ...widget, id: "w2", y: 3, height: 2 }])).toMatchObject({ id: "w3", y: 5 });
});

test("only what is used is sent", () => {
  expect(inputOf({ ...widget, field: "duration", group_by: ["method"], kind: "WIDGET_KIND_QUERY_VALUE" })).toMatchObject({ field: "", percentile: 0, group_by: [] });
});
