import { useQuery } from "@tanstack/react-query";
import { call } from "../api/client";
import type { StorageTable } from "../api/types";
import { bytesText, countText, durationText, seconds } from "../format/numbers";
import { Failed, Loading } from "../ui/state";
import { DataTable, type Column } from "../ui/table";
import { Moment } from "../ui/time";

const path = "/api/v1/exchanges:storage";

const columns: Column<StorageTable>[] = [
  { id: "name", header: "Table", value: (t) => t.name, cell: (t) => <><code>{t.name}</code> <span className="faint">{t.description}</span></> },
  { id: "rows", header: "Rows", value: (t) => Number(t.rows), cell: (t) => countText(t.rows), className: "number" },
  { id: "bytes", header: "On disk", value: (t) => Number(t.bytes), cell: (t) => bytesText(t.bytes), className: "number" },
  { id: "ratio", header: "Compressed", value: (t) => Number(t.raw_bytes) / Math.max(1, Number(t.bytes)), cell: (t) => (t.bytes === "0" ? "–" : `${countText(Math.round((10 * Number(t.raw_bytes)) / Number(t.bytes)) / 10)} ×`), className: "number" },
  { id: "oldest", header: "Oldest", value: (t) => t.oldest ?? "", cell: (t) => <Moment iso={t.oldest} /> },
  { id: "retention", header: "Kept for", value: (t) => seconds(t.retention) ?? 0, cell: (t) => daysText(seconds(t.retention)), className: "number" },
];

function daysText(s: number | null): string {
  if (s === null || s === 0) return "–";
  return s % 86400 === 0 ? `${s / 86400} d` : durationText(s);
}

// Storage says what the recordings take.
export function Storage() {
  const { data, error, isPending, refetch } = useQuery({ queryKey: [path], queryFn: ({ signal }) => call("get", path, { signal }), refetchInterval: 30_000 });
  return (
    <section className="section" aria-label="Storage">
      <header><h2>Storage</h2></header>
      {isPending && <Loading what="the storage" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data !== undefined && (
        <>
          <p><b>{bytesText(data.bytes)}</b> on disk{data.byte_limit !== "0" && <> of at most <b>{bytesText(data.byte_limit)}</b></>}, <b>{bytesText(data.free_bytes)}</b> free.</p>
          {data.byte_limit !== "0" && <meter className="fill" min={0} max={Number(data.byte_limit)} high={Number(data.byte_limit) * 0.9} optimum={0} value={Number(data.bytes)} aria-label="Share of the limit that is used" />}
          <DataTable label="Tables" columns={columns} rows={data.tables} rowKey={(t) => t.name} testid="storage-row" />
        </>
      )}
    </section>
  );
}
