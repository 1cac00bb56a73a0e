import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { call, messageOf } from "../api/client";
import type { Series, Widget } from "../api/types";
import { seconds, valueText } from "../format/numbers";
import { ranges } from "../format/time";
import { Chart } from "./chart";
import { colours } from "./colours";
import { nameOf, narrowed, queryOf, tableOf } from "./query";

interface Props {
  widget: Widget;
  rangeSeconds: number;
  refreshMs: number | false;
  // Above the content, while the board is edited.
  bar?: ReactNode;
}

// WidgetView asks for one widget's numbers and draws them.
export function WidgetView({ widget, rangeSeconds, refreshMs, bar }: Props) {
  const { data, error, isPending } = useQuery({
    queryKey: ["widget", widget, rangeSeconds],
    queryFn: ({ signal }) => call("post", "/api/v1/exchanges:aggregate", { body: queryOf(widget, rangeSeconds, Date.now()), signal }),
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
    staleTime: 1000,
  });
  const own = seconds(widget.time_range);
  return (
    <section
      className={`widget ${widget.kind === "WIDGET_KIND_QUERY_VALUE" ? "" : "tall"}`} aria-label={widget.title} data-testid="widget" data-title={widget.title}
      style={{ gridColumn: `${widget.x + 1} / span ${widget.width || 4}`, gridRow: `${widget.y + 1} / span ${widget.height || 2}` }}
    >
      <header>
        <h2 title={widget.filter}>{widget.title}</h2>
        <Link className="faint" to={traffic(widget.filter, own ?? rangeSeconds)} aria-label={`Traffic of ${widget.title}`} title="See the traffic">↗</Link>
      </header>
      {bar}
      {isPending && <div className="state">Loading…</div>}
      {error !== null && <div className="problem" role="alert">{messageOf(error)}</div>}
      {data !== undefined && error === null && <Content widget={widget} series={data.series} range={own ?? rangeSeconds} />}
    </section>
  );
}

// traffic links to the exchanges behind a number; the list offers set ranges.
function traffic(filter: string, rangeSeconds: number): string {
  const range = ranges.find((r) => r.seconds >= rangeSeconds) ?? ranges[ranges.length - 1];
  const params = new URLSearchParams({ range: range?.id ?? "1h" });
  if (filter !== "") params.set("filter", filter);
  return `/traffic?${params}`;
}

function Content({ widget, series, range }: { widget: Widget; series: Series[]; range: number }) {
  if (widget.kind === "WIDGET_KIND_QUERY_VALUE") {
    return <div className={`value ${widget.height < 2 ? "small" : ""}`} data-testid="widget-value">{valueText(series[0]?.value ?? 0, widget.unit)}</div>;
  }
  if (series.length === 0) return <div className="state">No data in this time.</div>;
  return widget.kind === "WIDGET_KIND_TOP_LIST" ? <TopList widget={widget} series={series} range={range} /> : <Lines widget={widget} series={series} />;
}

function Lines({ widget, series }: { widget: Widget; series: Series[] }) {
  const names = series.map((s) => nameOf(s, widget.title));
  return (
    <>
      <Chart data={tableOf(series)} names={names} unit={widget.unit} title={`${widget.title} over time`} />
      {series.length > 1 && (
        <div className="legend">
          {names.map((n, i) => <span key={n}><i style={{ background: colours[i % colours.length] }} />{n}</span>)}
        </div>
      )}
    </>
  );
}

function TopList({ widget, series, range }: { widget: Widget; series: Series[]; range: number }) {
  const most = Math.max(...series.map((s) => s.value), 1e-9);
  return (
    <ol className="top-list">
      {series.map((s) => (
        <li key={s.group.join("\u0000")}>
          <progress max={most} value={s.value} aria-hidden="true" />
          <Link className="mono" to={traffic(narrowed(widget, s), range)}>{nameOf(s, widget.title)}</Link>
          <span className="number">{valueText(s.value, widget.unit)}</span>
        </li>
      ))}
    </ol>
  );
}
