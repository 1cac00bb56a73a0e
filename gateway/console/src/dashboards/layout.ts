import type { Widget } from "../api/types";

// columns is how wide a board is.
export const columns = 12;

// resized changes a widget's size, within the board.
export function resized(w: Widget, width: number, height: number): Widget {
  return { ...w, width: Math.min(columns - w.x, Math.max(2, w.width + width)), height: Math.min(12, Math.max(1, w.height + height)) };
}

// shifted moves a widget, within the board.
export function shifted(w: Widget, x: number, y: number): Widget {
  return { ...w, x: Math.min(columns - w.width, Math.max(0, w.x + x)), y: Math.max(0, w.y + y) };
}

// placed lays widgets out without overlaps: those further up keep their place, and
// others move down until they have room. first keeps its place before all.
export function placed(widgets: Widget[], first = ""): Widget[] {
  const order = [...widgets].sort((a, b) => (a.id === first ? -1 : b.id === first ? 1 : a.y - b.y || a.x - b.x));
  const done = new Map<string, Widget>();
  for (const w of order) {
    let at = w;
    while ([...done.values()].some((d) => overlap(d, at))) at = { ...at, y: at.y + 1 };
    done.set(w.id, at);
  }
  return widgets.map((w) => done.get(w.id) ?? w);
}

function overlap(a: Widget, b: Widget): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

// fresh is a new widget below all others.
export function fresh(widgets: Widget[]): Widget {
  let n = widgets.length + 1;
  while (widgets.some((w) => w.id === `w${n}`)) n++;
  return {
    id: `w${n}`, title: "", kind: "WIDGET_KIND_TIMESERIES", filter: "", aggregation: "AGGREGATION_COUNT", field: "", percentile: 95, group_by: [], time_range: null, unit: "",
    x: 0, y: Math.max(0, ...widgets.map((w) => w.y + w.height)), width: 6, height: 3,
  };
}

// inputOf leaves out what a widget's kind and aggregation do not use.
export function inputOf(w: Widget): Widget {
  return { ...w, field: w.aggregation === "AGGREGATION_COUNT" ? "" : w.field, percentile: w.aggregation === "AGGREGATION_PERCENTILE" ? w.percentile : 0, group_by: w.kind === "WIDGET_KIND_QUERY_VALUE" ? [] : w.group_by };
}
