// seconds of a protobuf duration in JSON, such as "1.5s"; null when there is none.
export function seconds(duration: string | null | undefined): number | null {
  if (!duration) return null;
  const n = Number(duration.replace(/s$/, ""));
  return Number.isFinite(n) ? n : null;
}

// durationText writes seconds for people: 850 µs, 12.3 ms, 1.25 s, 2 min 5 s.
export function durationText(value: number | null): string {
  if (value === null) return "–";
  const abs = Math.abs(value);
  if (abs === 0) return "0 ms";
  if (abs < 0.001) return `${short(value * 1e6)} µs`;
  if (abs < 1) return `${short(value * 1e3)} ms`;
  if (abs < 60) return `${short(value)} s`;
  const minutes = Math.floor(abs / 60);
  if (minutes < 60) return joined(minutes, "min", Math.round(abs % 60), "s");
  return joined(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

function joined(a: number, unitA: string, b: number, unitB: string): string {
  return b === 0 ? `${a} ${unitA}` : `${a} ${unitA} ${b} ${unitB}`;
}

// short keeps three significant digits.
function short(n: number): string {
  if (Math.abs(n) >= 100) return String(Math.round(n));
  return String(Number(n.toPrecision(3)));
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

// bytesText writes a size for people; sizes come as numbers or as text.
export function bytesText(size: string | number | null | undefined): string {
  let n = Number(size ?? 0);
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${unit === 0 ? n : short(n)} ${units[unit]}`;
}

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

export function countText(n: string | number | null | undefined): string {
  return grouped.format(Number(n ?? 0));
}

// valueText writes a widget's value in its unit.
export function valueText(value: number, unit: string): string {
  switch (unit) {
    case "ns":
      return durationText(value / 1e9);
    case "bytes":
      return bytesText(value);
    case "percent":
      return `${grouped.format(value)} %`;
    default:
      return grouped.format(value);
  }
}
