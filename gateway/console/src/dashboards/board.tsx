import { useParams, useSearchParams } from "react-router";
import { useItem } from "../api/queries";
import { rangeOf, ranges } from "../format/time";
import { Page } from "../shell/page";
import { Empty, Failed, Loading } from "../ui/state";
import { WidgetView } from "./widget";

const refreshes = [
  { id: "off", label: "No refresh", ms: 0 },
  { id: "10s", label: "Every 10 s", ms: 10_000 },
  { id: "30s", label: "Every 30 s", ms: 30_000 },
  { id: "1m", label: "Every minute", ms: 60_000 },
];

// Board draws a dashboard's widgets and keeps them fresh while it is visible.
export function Board() {
  const { id = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const { data, error, isPending, refetch } = useItem("/api/v1/dashboards/{id}", id);
  const range = rangeOf(params.get("range"));
  const refresh = refreshes.find((r) => r.id === (params.get("refresh") ?? "30s"));
  const set = (name: string, value: string) => setParams((p) => { p.set(name, value); return p; }, { replace: true });
  const actions = (
    <>
      <select aria-label="Time range" value={range.id} onChange={(e) => set("range", e.target.value)}>
        {ranges.map((r) => <option key={r.id} value={r.id}>Past {r.label}</option>)}
      </select>
      <select aria-label="Refresh" value={refresh?.id} onChange={(e) => set("refresh", e.target.value)}>
        {refreshes.map((r) => <option key={r.id} value={r.id}>{r.label}</option>)}
      </select>
    </>
  );
  return (
    <Page title={data?.name ?? "Dashboard"} lead={data?.description} actions={actions}>
      {isPending && <Loading what="the dashboard" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data !== undefined && data.widgets.length === 0 && <Empty title="This board has no widgets" />}
      {data !== undefined && (
        <div className="board" data-testid="board">
          {data.widgets.map((w) => <WidgetView key={w.id} widget={w} rangeSeconds={range.seconds} refreshMs={refresh?.ms || false} />)}
        </div>
      )}
    </Page>
  );
}
