import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import { call, isMissing, messageOf } from "../api/client";
import type { Histogram as Answer } from "../api/types";
import { countText, seconds } from "../format/numbers";
import { boundsOf, lengthOf, type Span } from "../format/span";
import { axisStyle, colour, momentText, sizeOf, timeAxis, tooltip, tzDate } from "../ui/plot";
import { useShownTheme } from "../ui/theme";
import { useUTC } from "../ui/time";
import { brushed, layers, stacked } from "./bars";

interface Props {
  filter: string;
  span: Span;
  live: boolean;
  onZoom: (span: Span) => void;
}

const path = "/api/v1/exchanges:histogram";

// Histogram counts what matches over time; a brush over it zooms in.
export function Histogram({ filter, span, live, onZoom }: Props) {
  const { data, error } = useQuery({
    queryKey: [path, filter, span],
    queryFn: ({ signal }) => call("get", path, { query: { filter, ...boundsOf(span), buckets: 120 }, signal }),
    refetchInterval: live ? Math.min(15_000, Math.max(2000, lengthOf(span) * 2)) : false,
    placeholderData: keepPreviousData,
    retry: false,
  });
  if (isMissing(error)) return null;
  if (error !== null) return <div className="histogram-note faint">No histogram: {messageOf(error)}</div>;
  return (
    <div className="histogram" data-testid="histogram" data-total={data?.total}>
      <div className="histogram-legend" aria-live="off">
        <b>{data === undefined ? "…" : countText(data.total)}</b> <span className="faint">match</span>
        {data !== undefined && layers.map((l) => {
          const n = data.buckets.reduce((sum, b) => sum + l.of(b), 0);
          return n === 0 ? null : <span key={l.label}><i className={`bar-${l.kind}`} />{l.label} {countText(n)}</span>;
        })}
      </div>
      {data !== undefined && data.buckets.length > 0 && <Bars data={data} onZoom={onZoom} />}
    </div>
  );
}

function Bars({ data, onZoom }: { data: Answer; onZoom: (span: Span) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const interval = seconds(data.interval) ?? 60;
  const latest = useRef({ data, onZoom });
  const theme = useShownTheme();
  const utc = useUTC();
  useEffect(() => {
    latest.current = { data, onZoom };
    plot.current?.setData(stacked(data.buckets) as uPlot.AlignedData);
  }, [data, onZoom]);
  useEffect(() => {
    const box = host.current;
    if (box === null) return;
    const zoom = (from: number, to: number) => latest.current.onZoom({ kind: "between", ...brushed(from, to, interval) });
    const made = new uPlot(options(box, interval, utc, () => latest.current.data, zoom), stacked(latest.current.data.buckets) as uPlot.AlignedData, box);
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize(sizeOf(box)));
    resize.observe(box);
    return () => {
      resize.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [interval, theme, utc]);
  return <div className="histogram-bars" ref={host} role="img" aria-label={`${countText(data.total)} exchanges over time, by class of status. Drag to zoom.`} data-testid="histogram-bars" />;
}

function options(box: HTMLElement, interval: number, utc: boolean, current: () => Answer, zoom: (from: number, to: number) => void): uPlot.Options {
  const bars = uPlot.paths.bars?.({ size: [0.86, 60], align: 1 });
  return {
    ...sizeOf(box),
    legend: { show: false },
    padding: [4, 8, 0, 0],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, y: false },
    tzDate: tzDate(utc),
    scales: {
      x: { range: (_, min, max) => [min, max + interval] },
      y: { range: (_, __, max) => [0, max <= 0 ? 1 : max * 1.05] },
    },
    series: [{}, ...[...layers].reverse().map((l) => ({ label: l.label, fill: colour(l.colour), stroke: colour(l.colour), width: 0, paths: bars, points: { show: false } }))],
    axes: [{ ...timeAxis(utc), size: 22, gap: 2, ticks: { ...axisStyle().ticks, size: 4 } }, { ...axisStyle(), size: 40, values: (_, ticks) => ticks.map((t) => (Number.isInteger(t) ? countText(t) : "")) }],
    hooks: {
      setSelect: [(u) => {
        const { left, width } = u.select;
        if (width < 4) return;
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        zoom(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
      }],
    },
    plugins: [tooltip((_, i) => {
      const bucket = current().buckets[i];
      if (bucket === undefined) return [];
      return [momentText(Date.parse(bucket.time ?? "") / 1000, utc), ...layers.filter((l) => l.of(bucket) > 0).map((l) => `${l.label}: ${countText(l.of(bucket))}`)];
    })],
  };
}
