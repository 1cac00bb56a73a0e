import { useState } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { call } from "../api/client";
import { useItem, useWrite } from "../api/queries";
import type { Dashboard, DashboardInput, Widget } from "../api/types";
import { rangeOf, ranges } from "../format/time";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Empty, Failed, Loading, Problem } from "../ui/state";
import { EditBar } from "./edit-bar";
import { fresh, inputOf, placed } from "./layout";
import { WidgetForm } from "./widget-form";
import { WidgetView } from "./widget";

const refreshes = [
  { id: "off", label: "No refresh", ms: 0 },
  { id: "10s", label: "Every 10 s", ms: 10_000 },
  { id: "30s", label: "Every 30 s", ms: 30_000 },
  { id: "1m", label: "Every minute", ms: 60_000 },
];

const touched = ["/api/v1/dashboards", "/api/v1/dashboards/{id}", "/api/v1/audit-events"];

export function Board() {
  const { id = "" } = useParams();
  const { data, error, isPending, refetch } = useItem("/api/v1/dashboards/{id}", id);
  if (error !== null) return <Page title="Dashboard"><Failed error={error} retry={() => void refetch()} /></Page>;
  if (isPending) return <Page title="Dashboard"><Loading what="the dashboard" /></Page>;
  return <BoardView key={`${data.id} ${data.revision}`} board={data} />;
}

// BoardView draws a dashboard's widgets, keeps them fresh while it is visible, and
// lets people change them.
function BoardView({ board }: { board: Dashboard }) {
  const navigate = useNavigate();
  const [params, setParams] = useSearchParams();
  const [draft, setDraft] = useState<Dashboard | null>(null);
  const [form, setForm] = useState<Widget | null>(null);
  const [deleting, setDeleting] = useState(false);
  const range = rangeOf(params.get("range"));
  const refresh = refreshes.find((r) => r.id === (params.get("refresh") ?? "30s"));
  const set = (name: string, value: string) => setParams((p) => { p.set(name, value); return p; }, { replace: true });
  const clone = useWrite(
    () => call("post", "/api/v1/dashboards", { body: { name: `${board.name} (copy)`, description: board.description, widgets: board.widgets } as DashboardInput }),
    touched, (out) => void navigate(`/dashboards/${out.id}?edit=1`),
  );
  const save = useWrite(
    (d: Dashboard) => call("patch", "/api/v1/dashboards/{id}", { path: { id: d.id }, body: { name: d.name, description: d.description, widgets: d.widgets.map(inputOf) } as DashboardInput }),
    touched, () => { setDraft(null); setParams((p) => { p.delete("edit"); return p; }, { replace: true }); },
  );
  const remove = useWrite(() => call("delete", "/api/v1/dashboards/{id}", { path: { id: board.id } }), touched, () => void navigate("/dashboards"));
  const editing = draft ?? (params.get("edit") === "1" && !board.read_only ? board : null);
  const shown = editing ?? board;
  const change = (part: Partial<Dashboard>) => setDraft({ ...shown, ...part });
  const put = (w: Widget) => change({ widgets: placed(shown.widgets.some((x) => x.id === w.id) ? shown.widgets.map((x) => (x.id === w.id ? w : x)) : [...shown.widgets, w], w.id) });
  const stop = () => { setDraft(null); setParams((p) => { p.delete("edit"); return p; }, { replace: true }); };
  const actions = editing === null ? (
    <>
      <select aria-label="Time range" value={range.id} onChange={(e) => set("range", e.target.value)}>
        {ranges.map((r) => <option key={r.id} value={r.id}>Past {r.label}</option>)}
      </select>
      <select aria-label="Refresh" value={refresh?.id} onChange={(e) => set("refresh", e.target.value)}>
        {refreshes.map((r) => <option key={r.id} value={r.id}>{r.label}</option>)}
      </select>
      {board.read_only ? <Badge title="Clone it to change it">stock</Badge> : <Button onClick={() => setDraft(board)}>Edit</Button>}
      <Button busy={clone.isPending} onClick={() => clone.mutate(undefined)}>Clone</Button>
    </>
  ) : (
    <>
      <Button onClick={() => setForm(fresh(shown.widgets))}>Add widget</Button>
      <Button kind="danger" onClick={() => setDeleting(true)}>Delete…</Button>
      <Button onClick={stop}>Cancel</Button>
      <Button kind="primary" busy={save.isPending} disabled={shown.name.trim() === ""} onClick={() => save.mutate(shown)}>Save</Button>
    </>
  );
  return (
    <Page title={board.name} lead={board.description} actions={actions}>
      {editing !== null && (
        <div className="row board-names">
          <input aria-label="Name of the board" required maxLength={255} value={shown.name} onChange={(e) => change({ name: e.target.value })} />
          <input aria-label="Description of the board" className="grow" placeholder="Description" maxLength={4096} value={shown.description} onChange={(e) => change({ description: e.target.value })} />
        </div>
      )}
      <Problem error={save.error ?? clone.error} />
      {shown.widgets.length === 0 && <Empty title="This board has no widgets" />}
      <div className="board" data-testid="board">
        {shown.widgets.map((w) => (
          <WidgetView
            key={w.id} widget={w} rangeSeconds={range.seconds} refreshMs={editing === null && refresh?.ms ? refresh.ms : false}
            bar={editing !== null && <EditBar widget={w} onChange={put} onEdit={() => setForm(w)} onRemove={() => change({ widgets: shown.widgets.filter((x) => x.id !== w.id) })} />}
          />
        ))}
      </div>
      {form !== null && <WidgetForm widget={form} onClose={() => setForm(null)} onSave={(w) => { put(w); setForm(null); }} />}
      {deleting && (
        <Confirm title={`Delete ${board.name}?`} action="Delete" busy={remove.isPending} onClose={() => setDeleting(false)} onConfirm={() => remove.mutate(undefined)}>
          <p>The board goes; the traffic it shows stays.</p>
          <Problem error={remove.error} />
        </Confirm>
      )}
    </Page>
  );
}
