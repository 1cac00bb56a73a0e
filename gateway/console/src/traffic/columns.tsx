import type { ReactNode } from "react";
import { bytesText, durationText } from "../format/numbers";
import { Badge } from "../ui/badge";
import { Clock } from "../ui/time";
import type { Row } from "./row";
import { Status } from "./status";

export interface Column {
  id: string;
  label: string;
  // Track of the grid: the least width in pixels, and the share of what is left.
  min: number;
  grow?: number;
  // Those with small numbers stay when there is little room; 0 always does.
  rank: number;
  // What the API orders by.
  order?: string;
  className?: string;
  cell: (row: Row) => ReactNode;
}

export const columns: Column[] = [
  { id: "time", label: "Time", min: 98, rank: 0, order: "start_time", className: "mono", cell: (r) => <Clock iso={r.time} /> },
  { id: "method", label: "Method", min: 56, rank: 0, className: "mono method", cell: (r) => r.method },
  { id: "host", label: "Host", min: 110, grow: 0.5, rank: 5, className: "mono faint", cell: (r) => r.host },
  { id: "path", label: "Path", min: 130, grow: 1, rank: 0, cell: (r) => r.path },
  { id: "status", label: "Status", min: 48, rank: 0, order: "status_code", cell: (r) => <Status code={r.status} /> },
  { id: "duration", label: "Duration", min: 68, rank: 1, order: "duration", className: "number", cell: (r) => durationText(r.duration) },
  { id: "size", label: "Size", min: 66, rank: 4, order: "response_size", className: "number", cell: (r) => bytesText(r.responseBytes) },
  { id: "client", label: "Client", min: 104, rank: 6, className: "mono faint", cell: (r) => r.client },
  { id: "endpoint", label: "Endpoint", min: 100, grow: 0.2, rank: 7, className: "faint", cell: (r) => r.endpoint },
  { id: "notes", label: "Notes", min: 84, grow: 0.25, rank: 2, className: "notes", cell: (r) => <Notes row={r} /> },
  { id: "route", label: "Route", min: 120, grow: 0.5, rank: 9, className: "mono", cell: (r) => r.route },
  { id: "request_size", label: "Sent", min: 66, rank: 9, order: "request_size", className: "number", cell: (r) => bytesText(r.requestBytes) },
  { id: "upstream", label: "Upstream", min: 70, rank: 9, className: "number", cell: (r) => durationText(r.upstream) },
  { id: "first_byte", label: "First byte", min: 70, rank: 9, className: "number", cell: (r) => durationText(r.firstByte) },
  { id: "country", label: "Country", min: 58, rank: 9, cell: (r) => r.country },
  { id: "user", label: "User", min: 90, rank: 9, cell: (r) => r.user },
  { id: "action", label: "Action", min: 90, rank: 9, cell: (r) => r.action },
  { id: "rule", label: "Rule", min: 90, rank: 9, cell: (r) => r.rule },
  { id: "error", label: "Error", min: 100, rank: 9, className: "bad", cell: (r) => r.error },
  { id: "version", label: "Version", min: 70, rank: 9, className: "faint", cell: (r) => r.version },
  { id: "trace", label: "Trace", min: 120, rank: 9, className: "mono faint", cell: (r) => r.trace },
  { id: "proxy", label: "Proxy", min: 90, rank: 9, className: "faint", cell: (r) => r.proxy },
  { id: "kept_by", label: "Kept by", min: 90, rank: 9, className: "faint", cell: (r) => r.keptBy },
  { id: "id", label: "Id", min: 220, rank: 9, className: "mono faint", cell: (r) => r.id },
];

export const usual = ["time", "method", "host", "path", "status", "duration", "size", "client", "endpoint", "notes"];

// columnsOf reads the columns of a view's URL, in order; unknown ones are left out.
export function columnsOf(text: string | null): Column[] {
  const wanted = (text ?? "").split(",").flatMap((id) => columns.find((c) => c.id === id) ?? []);
  return wanted.length > 0 ? wanted : usual.flatMap((id) => columns.find((c) => c.id === id) ?? []);
}

const gap = 10;
const padding = 24;

// fitting leaves out columns until the rest has room, those with the greatest rank
// first.
export function fitting(all: Column[], width: number): Column[] {
  let kept = all;
  const needed = () => kept.reduce((sum, c) => sum + c.min + gap, padding - gap);
  while (needed() > width) {
    const rank = Math.max(...kept.map((c) => c.rank));
    if (rank === 0) break;
    const last = kept.map((c) => c.rank).lastIndexOf(rank);
    kept = kept.filter((_, i) => i !== last);
  }
  return kept;
}

// tracks are the columns as CSS grid writes them.
export function tracks(shown: Column[]): string {
  return shown.map((c) => (c.grow === undefined ? `${c.min}px` : `minmax(${c.min}px, ${c.grow}fr)`)).join(" ");
}

export function leastWidth(shown: Column[]): number {
  return shown.reduce((sum, c) => sum + c.min + gap, padding - gap);
}

// moved puts one of a list before or after another's place.
export function moved(ids: string[], id: string, to: string): string[] {
  const [from, target] = [ids.indexOf(id), ids.indexOf(to)];
  if (from < 0 || target < 0 || from === target) return ids;
  const rest = ids.filter((x) => x !== id);
  rest.splice(target, 0, id);
  return rest;
}

function Notes({ row }: { row: Row }) {
  return (
    <>
      {row.error !== "" && <Badge tone="bad" title={row.errorMessage}>{row.error}</Badge>}
      {row.action !== "" && <Badge tone="warn" title={row.rule}>{row.action}</Badge>}
      {row.replayOf !== "" && <Badge tone="info" title={`Replay of ${row.replayOf}`}>replay</Badge>}
      {row.keptBy !== "" && <Badge title="Recorded although the sample left it out">{row.keptBy}</Badge>}
    </>
  );
}
