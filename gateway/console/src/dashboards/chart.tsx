import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { valueText } from "../format/numbers";
import { useShownTheme } from "../ui/theme";
import { useUTC } from "../ui/time";
import { colours } from "./colours";

interface Props {
  data: [number[], ...(number | null)[][]];
  names: string[];
  unit: string;
  title: string;
}

// Chart draws lines over time.
export function Chart({ data, names, unit, title }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const latest = useRef(data);
  const theme = useShownTheme();
  const utc = useUTC();
  const key = names.join("\u0000");

  useEffect(() => {
    const box = host.current;
    if (box === null) return;
    const made = new uPlot(options(box, key.split("\u0000"), unit, utc), latest.current as uPlot.AlignedData, box);
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize(sizeOf(box)));
    resize.observe(box);
    return () => {
      resize.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [key, unit, theme, utc]);

  useEffect(() => {
    latest.current = data;
    plot.current?.setData(data as uPlot.AlignedData);
  }, [data]);

  return <div className="chart" ref={host} role="img" aria-label={title} />;
}

function sizeOf(box: HTMLElement) {
  return { width: Math.max(50, box.clientWidth), height: Math.max(50, box.clientHeight) };
}

function options(box: HTMLElement, names: string[], unit: string, utc: boolean): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const text = style.getPropertyValue("--faint");
  const line = style.getPropertyValue("--line");
  const font = `11px ${style.getPropertyValue("--sans")}`;
  const axis = { stroke: text, font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  return {
    ...sizeOf(box),
    legend: { show: false },
    cursor: { drag: { setScale: false }, points: { size: 6 } },
    tzDate: utc ? (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC") : undefined,
    scales: { y: { range: (_, min, max) => [Math.min(0, min), max <= 0 ? 1 : max * 1.08] } },
    series: [{}, ...names.map((label, i) => ({ label, stroke: colours[i % colours.length], width: 1.5, points: { show: false }, fill: names.length === 1 ? `${colours[0]}22` : undefined }))],
    axes: [{ ...axis, size: 28, values: (_, ticks, __, ___, step) => ticks.map((t) => tickText(t, step, utc)) }, { ...axis, size: 62, values: (_, ticks) => ticks.map((t) => valueText(t, unit)) }],
    plugins: [tooltip(names, unit, utc)],
  };
}

// tickText is the time at the axis: the day when ticks are days apart.
function tickText(seconds: number, step: number, utc: boolean): string {
  const at = new Date(seconds * 1000);
  const timeZone = utc ? "UTC" : undefined;
  if (step >= 86400) return at.toLocaleDateString("en", { timeZone, month: "short", day: "numeric" });
  return at.toLocaleTimeString("en", { timeZone, hourCycle: "h23", hour: "2-digit", minute: "2-digit", ...(step < 60 ? { second: "2-digit" as const } : {}) });
}

// tooltip shows the values under the pointer.
function tooltip(names: string[], unit: string, utc: boolean): uPlot.Plugin {
  const box = document.createElement("div");
  box.className = "chart-tip";
  box.hidden = true;
  return {
    hooks: {
      init: (u) => void u.over.appendChild(box),
      setCursor: (u) => {
        const i = u.cursor.idx;
        box.hidden = i === null || i === undefined || (u.cursor.left ?? -1) < 0;
        if (box.hidden || i === null || i === undefined) return;
        const at = new Date((u.data[0][i] ?? 0) * 1000);
        const time = at.toLocaleString(undefined, { timeZone: utc ? "UTC" : undefined, hourCycle: "h23", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
        const rows = names.map((name, s) => ({ name, value: u.data[s + 1]?.[i] })).filter((r) => r.value !== null && r.value !== undefined && (names.length === 1 || r.value !== 0));
        box.textContent = [time, ...rows.map((r) => `${names.length === 1 ? "" : `${r.name}: `}${valueText(r.value ?? 0, unit)}`)].join("\n");
        const left = u.cursor.left ?? 0;
        box.style.left = left > u.over.clientWidth / 2 ? "" : `${left + 12}px`;
        box.style.right = left > u.over.clientWidth / 2 ? `${u.over.clientWidth - left + 12}px` : "";
      },
    },
  };
}
