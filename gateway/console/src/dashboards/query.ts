import type { Series, Widget } from "../api/types";
import { seconds } from "../format/numbers";
import { stepFor } from "../format/time";
import { termFor } from "../search/terms";

// queryOf is the aggregation that a widget shows, over the board's time range
// unless it has one of its own.
export function queryOf(widget: Widget, boardSeconds: number, now: number) {
  const range = seconds(widget.time_range) ?? boardSeconds;
  const step = stepFor(range);
  const line = widget.kind === "WIDGET_KIND_TIMESERIES";
  // Whole steps, so that points stay where they are from one refresh to the next.
  const end = line ? Math.ceil(now / 1000 / step) * step : now / 1000;
  return {
    filter: widget.filter,
    aggregation: widget.aggregation,
    field: widget.field,
    percentile: widget.percentile,
    group_by: widget.group_by,
    group_limit: line ? 8 : 20,
    start_time: new Date((end - range) * 1000).toISOString(),
    end_time: new Date(end * 1000).toISOString(),
    ...(line ? { interval: `${step}s` } : {}),
  };
}

// tableOf puts series side by side: times in seconds, then one column per series.
export function tableOf(series: Series[]): [number[], ...(number | null)[][]] {
  const times = [...new Set(series.flatMap((s) => s.points.map((p) => Date.parse(p.time ?? "") / 1000)))].sort((a, b) => a - b);
  const columns = series.map((s) => {
    const byTime = new Map(s.points.map((p) => [Date.parse(p.time ?? "") / 1000, p.value]));
    return times.map((t) => byTime.get(t) ?? null);
  });
  return [times, ...columns];
}

export function nameOf(series: Series, title: string): string {
  return series.group.length === 0 ? title : series.group.map((g) => (g === "" ? "(none)" : g)).join(" · ");
}

// narrowed is a widget's filter and one of its groups, for the link to the traffic.
export function narrowed(widget: Widget, series: Series): string {
  const terms = widget.group_by.map((field, i) => termFor(field, series.group[i] ?? ""));
  return [widget.filter === "" ? "" : terms.length > 0 && / OR /.test(widget.filter) ? `(${widget.filter})` : widget.filter, ...terms].filter((t) => t !== "").join(" ");
}
