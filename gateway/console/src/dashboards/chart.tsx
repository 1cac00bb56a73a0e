import { useEffect, useRef } from "react";
import uPlot from "uplot";
import { valueText } from "../format/numbers";
import { axisStyle, momentText, sizeOf, timeAxis, tooltip, tzDate } from "../ui/plot";
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

function options(box: HTMLElement, names: string[], unit: string, utc: boolean): uPlot.Options {
  return {
    ...sizeOf(box),
    legend: { show: false },
    cursor: { drag: { setScale: false }, points: { size: 6 } },
    tzDate: tzDate(utc),
    scales: { y: { range: (_, min, max) => [Math.min(0, min), max <= 0 ? 1 : max * 1.08] } },
    series: [{}, ...names.map((label, i) => ({ label, stroke: colours[i % colours.length], width: 1.5, points: { show: false }, fill: names.length === 1 ? `${colours[0]}22` : undefined }))],
    axes: [timeAxis(utc), { ...axisStyle(), size: 62, values: (_, ticks) => ticks.map((t) => valueText(t, unit)) }],
    plugins: [tooltip((u, i) => [momentText(u.data[0][i] ?? 0, utc), ...valuesAt(u, i, names, unit)])],
  };
}

function valuesAt(u: uPlot, i: number, names: string[], unit: string): string[] {
  const values = names.map((name, s) => ({ name, value: u.data[s + 1]?.[i] })).filter((r) => r.value !== null && r.value !== undefined && (names.length === 1 || r.value !== 0));
  return values.map((r) => `${names.length === 1 ? "" : `${r.name}: `}${valueText(r.value ?? 0, unit)}`);
}
