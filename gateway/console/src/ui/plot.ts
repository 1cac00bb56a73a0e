import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

// What the graphs have in common.

export function sizeOf(box: HTMLElement) {
  return { width: Math.max(50, box.clientWidth), height: Math.max(40, box.clientHeight) };
}

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function axisStyle() {
  const line = { stroke: colour("--line"), width: 1 };
  return { stroke: colour("--faint"), font: `11px ${colour("--sans")}`, grid: line, ticks: line };
}

// timeAxis is the time below a graph, in the zone of the console.
export function timeAxis(utc: boolean): uPlot.Axis {
  return { ...axisStyle(), size: 28, values: (_, ticks, __, ___, step) => ticks.map((t) => tickText(t, step, utc)) };
}

export function tzDate(utc: boolean): uPlot.Options["tzDate"] {
  return utc ? (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC") : undefined;
}

// tickText is the time at the axis: the day when ticks are days apart.
function tickText(seconds: number, step: number, utc: boolean): string {
  const at = new Date(seconds * 1000);
  const timeZone = utc ? "UTC" : undefined;
  if (step >= 86400) return at.toLocaleDateString("en", { timeZone, month: "short", day: "numeric" });
  return at.toLocaleTimeString("en", { timeZone, hourCycle: "h23", hour: "2-digit", minute: "2-digit", ...(step < 60 ? { second: "2-digit" as const } : {}) });
}

export function momentText(seconds: number, utc: boolean): string {
  return new Date(seconds * 1000).toLocaleString("en", { timeZone: utc ? "UTC" : undefined, hourCycle: "h23", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

// tooltip shows lines of text for the point under the pointer.
export function tooltip(linesOf: (u: uPlot, index: number) => string[]): uPlot.Plugin {
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
        box.textContent = linesOf(u, i).join("\n");
        const left = u.cursor.left ?? 0;
        box.style.left = left > u.over.clientWidth / 2 ? "" : `${left + 12}px`;
        box.style.right = left > u.over.clientWidth / 2 ? `${u.over.clientWidth - left + 12}px` : "";
      },
    },
  };
}
