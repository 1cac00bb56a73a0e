import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import { call } from "../api/client";
import { useList } from "../api/queries";
import type { Bucket } from "../api/types";
import { countText, durationText, seconds } from "../format/numbers";
import { Page } from "../shell/page";
import { Empty, Failed, Loading } from "../ui/state";
import { DataTable, type Column } from "../ui/table";
import { useTick } from "../ui/time";
import { keyText, untilText } from "./text";

const path = "/api/v1/rate-limit-buckets";

function Until({ iso }: { iso: string | null }) {
  return <span className="number">{untilText(iso, useTick())}</span>;
}

const columns: Column<Bucket>[] = [
  { id: "name", header: "Limit", value: (b) => b.name, cell: (b) => <Link to={`/endpoints/${b.endpoint_id}`}>{b.name || b.id}</Link> },
  { id: "who", header: "Who", value: (b) => b.bucket_key, cell: (b) => <code>{keyText(b.bucket_key)}</code> },
  { id: "fill", header: "Used", value: (b) => Number(b.count) / Math.max(1, Number(b.capacity)), cell: (b) => <meter className="fill" min={0} max={Number(b.capacity)} high={Number(b.capacity) * 0.9} optimum={0} value={Number(b.count)} aria-label={`${b.count} of ${b.capacity}`} /> },
  { id: "count", header: "Count", value: (b) => Number(b.count), cell: (b) => countText(b.count), className: "number" },
  { id: "limit", header: "Limit", value: (b) => Number(b.capacity), cell: (b) => `${countText(b.capacity)} per ${durationText(seconds(b.rate))}`, className: "number" },
  { id: "remaining", header: "Remaining", value: (b) => Number(b.remaining), cell: (b) => <span className={b.remaining === "0" ? "bad" : ""}>{countText(b.remaining)}</span>, className: "number" },
  { id: "free", header: "Next free", value: (b) => b.next_free_at ?? "", cell: (b) => <Until iso={b.next_free_at} />, className: "number" },
  { id: "reset", header: "Reset", value: (b) => b.reset_at ?? "", cell: (b) => <Until iso={b.reset_at} />, className: "number" },
];

// LimitsPage shows what rate limits count now.
export function LimitsPage() {
  const [params, setParams] = useSearchParams();
  const endpoint = params.get("endpoint") ?? "";
  const still = params.get("refresh") === "off";
  const endpoints = useList("/api/v1/endpoints");
  const { data, error, isPending, refetch } = useQuery({
    queryKey: [path, endpoint],
    queryFn: ({ signal }) => call("get", path, { query: { endpoint_id: endpoint, limit: 500 }, signal }),
    refetchInterval: still ? false : 2000, placeholderData: keepPreviousData,
  });
  const set = (name: string, value: string) => setParams((p) => { if (value === "") p.delete(name); else p.set(name, value); return p; }, { replace: true });
  const actions = (
    <>
      <select aria-label="Endpoint" value={endpoint} onChange={(e) => set("endpoint", e.target.value)}>
        <option value="">All endpoints</option>
        {endpoints.data?.endpoints.map((e) => <option key={e.id} value={e.id}>{e.name || e.url}</option>)}
      </select>
      <label><input type="checkbox" checked={!still} onChange={(e) => set("refresh", e.target.checked ? "" : "off")} /> Every 2 s</label>
    </>
  );
  return (
    <Page title="Rate limits" lead="What the limits count now, over all proxies: the fullest first." actions={actions}>
      {isPending && <Loading what="buckets" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data?.buckets.length === 0 && <Empty title="Nothing is counted now">A bucket appears with the first request that a rate-limit action counts, and goes when its window is empty.</Empty>}
      {data !== undefined && data.buckets.length > 0 && <DataTable label="Buckets" columns={columns} rows={data.buckets} rowKey={(b) => b.id} testid="bucket-row" />}
      {data?.more === true && <p className="hint">There are more; these are the fullest.</p>}
    </Page>
  );
}
