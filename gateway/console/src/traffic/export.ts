import { fetched, url } from "../api/client";
import type { operations } from "../api/schema";

type Format = NonNullable<NonNullable<operations["GetExport"]["parameters"]["query"]>["format"]>;

export interface FileFormat {
  id: Format;
  label: string;
  ending: string;
  hint: string;
  bodies: boolean;
}

export const fileFormats: FileFormat[] = [
  { id: "EXPORT_FORMAT_HAR", label: "HAR", ending: "har", hint: "HTTP Archive 1.2, for browsers and proxies", bodies: true },
  { id: "EXPORT_FORMAT_NDJSON", label: "NDJSON", ending: "ndjson", hint: "One exchange a line, as the API writes it", bodies: true },
  { id: "EXPORT_FORMAT_CSV", label: "CSV", ending: "csv", hint: "One row an exchange, without headers and bodies", bodies: false },
  { id: "EXPORT_FORMAT_PARQUET", label: "Parquet", ending: "parquet", hint: "For DuckDB, ClickHouse and the like", bodies: true },
];

export interface Progress {
  bytes: number;
  // Exchanges so far; null where the format does not show them.
  done: number | null;
  total: number | null;
}

export interface ExportQuery {
  filter: string;
  start_time: string;
  end_time?: string;
  format: Format;
  limit?: number;
  include_bodies?: boolean;
}

// Blobs are put on disk by the browser; arrays stay in memory.
const part = 8 << 20;

// download reads an export to its end and returns it as one file.
export async function download(query: ExportQuery, signal: AbortSignal, onProgress: (p: Progress) => void): Promise<Blob> {
  const response = await fetched(url("/api/v1/exchanges:export", undefined, { ...query }), signal);
  const total = response.headers.get("sluice-total");
  const counter = new Counter(query.format);
  const blobs: Blob[] = [];
  let waiting: Uint8Array<ArrayBuffer>[] = [];
  let [bytes, held] = [0, 0];
  const reader = response.body?.getReader();
  for (let got = await reader?.read(); got !== undefined && !got.done; got = await reader?.read()) {
    waiting.push(got.value);
    bytes += got.value.length;
    held += got.value.length;
    counter.add(got.value);
    if (held >= part) {
      blobs.push(new Blob(waiting));
      waiting = [];
      held = 0;
    }
    onProgress({ bytes, done: counter.count, total: total === null ? null : Number(total) });
  }
  return new Blob([...blobs, ...waiting], { type: response.headers.get("content-type") ?? "application/octet-stream" });
}

// Counter counts the exchanges in a file that comes in pieces.
export class Counter {
  count: number | null;
  private readonly mark: Uint8Array | null;
  private matched = 0;

  constructor(format: Format) {
    // What each exchange has exactly once.
    const mark = { EXPORT_FORMAT_HAR: '"startedDateTime":', EXPORT_FORMAT_NDJSON: "\n", EXPORT_FORMAT_CSV: "\n" }[format as string];
    this.mark = mark === undefined ? null : new TextEncoder().encode(mark);
    // The first line of CSV names the columns.
    this.count = this.mark === null ? null : format === "EXPORT_FORMAT_CSV" ? -1 : 0;
  }

  add(bytes: Uint8Array) {
    const mark = this.mark;
    if (mark === null || this.count === null) return;
    for (const b of bytes) {
      this.matched = b === mark[this.matched] ? this.matched + 1 : b === mark[0] ? 1 : 0;
      if (this.matched < mark.length) continue;
      this.count++;
      this.matched = 0;
    }
  }
}

// save puts a file among the downloads.
export function save(file: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
