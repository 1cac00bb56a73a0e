import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router";
import { call } from "../api/client";
import { useList } from "../api/queries";
import type { Route } from "../api/types";
import { countText, durationText } from "../format/numbers";
import { boundsOf, spanOf, writeSpan, type Span } from "../format/span";
import { termFor } from "../search/terms";
import { Page } from "../shell/page";
import { RangePicker } from "../ui/range-picker";
import { Empty, Failed, Loading } from "../ui/state";
import { DataTable, type Column } from "../ui/table";
import { Ago } from "../ui/time";
import { OpenApi } from "./openapi";
import { RouteRules } from "./rules";

const path = "/api/v1/routes";

function traffic(r: Route): string {
  return `/traffic?${new URLSearchParams({ filter: `${termFor("@endpoint.id", r.endpoint_id)} ${termFor("route", r.route)} ${termFor("method", r.method)}`, range: "24h" })}`;
}

const columns: Column<Route>[] = [
  { id: "method", header: "Method", value: (r) => r.method, cell: (r) => <b className="mono">{r.method}</b> },
  { id: "route", header: "Route", value: (r) => r.route, cell: (r) => <Link className="mono" to={traffic(r)}>{r.route || "(none)"}</Link> },
  { id: "endpoint", header: "Endpoint", value: (r) => r.endpoint_name, cell: (r) => <Link to={`/endpoints/${r.endpoint_id}`}>{r.endpoint_name || r.endpoint_id}</Link> },
  { id: "requests", header: "Requests", value: (r) => Number(r.requests), cell: (r) => countText(r.requests), className: "number" },
  { id: "errors", header: "Errors", value: (r) => Number(r.errors), cell: (r) => <span className={r.errors === "0" ? "faint" : "bad"}>{countText(r.errors)}</span>, className: "number" },
  { id: "rate", header: "Error rate", value: (r) => Number(r.errors) / Math.max(1, Number(r.requests)), cell: (r) => `${countText((100 * Number(r.errors)) / Math.max(1, Number(r.requests)))} %`, className: "number" },
  { id: "p50", header: "p50", value: (r) => r.p50, cell: (r) => durationText(r.p50), className: "number" },
  { id: "p95", header: "p95", value: (r) => r.p95, cell: (r) => durationText(r.p95), className: "number" },
  { id: "seen", header: "Last seen", value: (r) => r.last_seen_at ?? "", cell: (r) => <Ago iso={r.last_seen_at} /> },
];

// RoutesPage lists what the API is called by, as its paths were seen.
export function RoutesPage() {
  const [params, setParams] = useSearchParams();
  const endpoint = params.get("endpoint") ?? "";
  const span = spanOf(params, "24h");
  const endpoints = useList("/api/v1/endpoints");
  const { data, error, isPending, refetch } = useQuery({
    queryKey: [path, endpoint, span],
    queryFn: ({ signal }) => call("get", path, { query: { endpoint_id: endpoint, ...boundsOf(span), limit: 1000 }, signal }),
    refetchInterval: 15_000, placeholderData: keepPreviousData,
  });
  const onSpan = (s: Span) => setParams((p) => { writeSpan(p, s); return p; });
  const onEndpoint = (id: string) => setParams((p) => { if (id === "") p.delete("endpoint"); else p.set("endpoint", id); return p; });
  const actions = (
    <>
      <select aria-label="Endpoint" value={endpoint} onChange={(e) => onEndpoint(e.target.value)}>
        <option value="">All endpoints</option>
        {endpoints.data?.endpoints.map((e) => <option key={e.id} value={e.id}>{e.name || e.url}</option>)}
      </select>
      <RangePicker span={span} onChange={onSpan} />
    </>
  );
  return (
    <Page title="Routes" lead="Paths by their templates, as they were seen." actions={actions}>
      {isPending && <Loading what="routes" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data?.routes.length === 0 && <Empty title="No routes in this time">Routes are found in recorded traffic.</Empty>}
      {data !== undefined && data.routes.length > 0 && <section className="section"><DataTable label="Routes" columns={columns} rows={data.routes} rowKey={(r) => `${r.endpoint_id} ${r.method} ${r.route}`} testid="route-row" /></section>}
      <OpenApi endpoint={endpoint || (endpoints.data?.endpoints.length === 1 ? (endpoints.data.endpoints[0]?.id ?? "") : "")} span={span} />
      <RouteRules endpoints={endpoints.data?.endpoints ?? []} />
    </Page>
  );
}
