import { Link, useNavigate } from "react-router";
import { call } from "../api/client";
import { useList, useWrite } from "../api/queries";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Empty, Failed, Loading, Problem } from "../ui/state";

export function DashboardList() {
  const { data, error, isPending, refetch } = useList("/api/v1/dashboards");
  const navigate = useNavigate();
  const create = useWrite(() => call("post", "/api/v1/dashboards", { body: { name: "New dashboard" } }), ["/api/v1/dashboards", "/api/v1/audit-events"], (out) => void navigate(`/dashboards/${out.id}?edit=1`));
  return (
    <Page title="Dashboards" lead="Numbers and graphs of the traffic." actions={<Button kind="primary" busy={create.isPending} onClick={() => create.mutate(undefined)}>New dashboard</Button>}>
      <Problem error={create.error} />
      {isPending && <Loading what="dashboards" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data?.dashboards.length === 0 && <Empty title="No dashboards" />}
      <div className="cards">
        {data?.dashboards.map((d) => (
          <Link key={d.id} className="card" to={`/dashboards/${d.id}`} data-testid="dashboard-card">
            <strong>{d.name}</strong> {d.read_only && <Badge>stock</Badge>}
            <p className="faint">{d.description || `${d.widgets.length} widgets`}</p>
          </Link>
        ))}
      </div>
    </Page>
  );
}
