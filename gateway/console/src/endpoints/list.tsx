import { Link } from "react-router";
import { useList } from "../api/queries";
import type { Endpoint } from "../api/types";
import { Page } from "../shell/page";
import { ButtonLink } from "../ui/button";
import { Badge } from "../ui/badge";
import { Empty, Failed, Loading } from "../ui/state";
import { DataTable, type Column } from "../ui/table";
import { Ago } from "../ui/time";

const columns: Column<Endpoint>[] = [
  { id: "url", header: "URL", value: (e) => e.url, cell: (e) => <Link to={`/endpoints/${e.id}`} className="mono">{e.url}</Link> },
  { id: "name", header: "Name", value: (e) => e.name, cell: (e) => e.name },
  { id: "upstream", header: "Upstream", value: upstreamText, cell: (e) => (upstreamText(e) === "" ? <span className="faint">none</span> : <span className="mono">{upstreamText(e)}</span>) },
  { id: "policy", header: "Policy", cell: (e) => (e.traffic_policy.trim() === "" ? <span className="faint">none</span> : <Badge tone="info">{e.traffic_policy.trim().split("\n").length} lines</Badge>) },
  { id: "description", header: "Description", value: (e) => e.description, cell: (e) => <span className="faint">{e.description}</span> },
  { id: "updated", header: "Changed", value: (e) => e.updated_at ?? "", cell: (e) => <Ago iso={e.updated_at ?? e.created_at} /> },
  { id: "traffic", header: "See", cell: (e) => <Link to={`/traffic?filter=${encodeURIComponent(`@endpoint.id:${e.id}`)}`}>Traffic</Link> },
];

// upstreamText is the server of an endpoint, or the first of its pool.
function upstreamText(e: Endpoint): string {
  const targets = e.upstream?.targets ?? [];
  if (targets.length === 0) return e.upstream?.url ?? "";
  return `${targets[0]?.url ?? ""}${targets.length > 1 ? ` and ${targets.length - 1} more` : ""}`;
}

const none: Endpoint[] = [];

export function EndpointList() {
  const { data, error, isPending, refetch } = useList("/api/v1/endpoints");
  const rows = data?.endpoints ?? none;
  return (
    <Page title="Endpoints" lead="The URLs that the proxies serve, where their requests go, and the policy that rules over them." actions={<ButtonLink kind="primary" to="/endpoints/new">New endpoint</ButtonLink>}>
      {isPending && <Loading what="endpoints" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data !== undefined && rows.length === 0 && <Empty title="No endpoints yet">Make one to publish an API: <Link to="/endpoints/new">new endpoint</Link>.</Empty>}
      {rows.length > 0 && <DataTable label="Endpoints" columns={columns} rows={rows} rowKey={(e) => e.id} testid="endpoint-row" />}
    </Page>
  );
}
