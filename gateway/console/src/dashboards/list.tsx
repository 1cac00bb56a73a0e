import { Link } from "react-router";
import { useList } from "../api/queries";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { Empty, Failed, Loading } from "../ui/state";

export function DashboardList() {
  const { data, error, isPending, refetch } = useList("/api/v1/dashboards");
  return (
    <Page title="Dashboards" lead="Numbers and graphs of the traffic.">
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
