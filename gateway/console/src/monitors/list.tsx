import { Link } from "react-router";
import { useList } from "../api/queries";
import type { Monitor } from "../api/types";
import { countText } from "../format/numbers";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { ButtonLink } from "../ui/button";
import { Empty, Failed, Loading } from "../ui/state";
import { DataTable, type Column } from "../ui/table";
import { Ago } from "../ui/time";
import { conditionText } from "./condition";
import { StateBadge, stateOf } from "./state-badge";

const order = ["MONITOR_STATE_ALERT", "MONITOR_STATE_PENDING", "MONITOR_STATE_UNSPECIFIED", "MONITOR_STATE_OK"];

const columns: Column<Monitor>[] = [
  { id: "state", header: "State", value: (m) => order.indexOf(stateOf(m)), cell: (m) => (m.disabled ? <Badge>Off</Badge> : <StateBadge state={stateOf(m)} />) },
  { id: "name", header: "Name", value: (m) => m.name, cell: (m) => <Link to={`/monitors/${m.id}`}>{m.name}</Link> },
  { id: "filter", header: "Counts", value: (m) => m.filter, cell: (m) => <code>{m.filter || "everything"}</code> },
  { id: "condition", header: "Alerts", cell: conditionText },
  { id: "value", header: "Now", value: (m) => m.status?.value ?? 0, cell: (m) => (m.status?.evaluated_at ? countText(m.status.value) : "–"), className: "number" },
  { id: "since", header: "Since", cell: (m) => <Ago iso={m.status?.since ?? null} /> },
  { id: "problem", header: "Problem", cell: (m) => m.status?.error && <span className="bad">{m.status.error}</span> },
];

const none: Monitor[] = [];

export function MonitorList() {
  const { data, error, isPending, refetch } = useList("/api/v1/monitors", 10_000);
  const rows = data?.monitors ?? none;
  return (
    <Page title="Monitors" lead="Questions that are asked of the traffic every minute." actions={<ButtonLink kind="primary" to="/monitors/new">New monitor</ButtonLink>}>
      {isPending && <Loading what="monitors" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data !== undefined && rows.length === 0 && <Empty title="No monitors yet">For example: any answer with status 5xx within an hour. <Link to="/monitors/new">New monitor</Link>.</Empty>}
      {rows.length > 0 && <DataTable label="Monitors" columns={columns} rows={rows} rowKey={(m) => m.id} testid="monitor-row" />}
    </Page>
  );
}
