import { useState, type FormEvent } from "react";
import { Link, useNavigate } from "react-router";
import { call } from "../api/client";
import { useList, useWrite } from "../api/queries";
import type { Monitor, MonitorInput } from "../api/types";
import { seconds } from "../format/numbers";
import { FilterField } from "../search/filter-field";
import { Page } from "../shell/page";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Check, Select, TextArea, TextField } from "../ui/field";
import { Problem } from "../ui/state";
import { comparators, defaultEvery, defaultWindow, type Comparator } from "./condition";
import { CurrentState, CurrentValue } from "./current";
import { History } from "./history";
import { Results } from "./results";

interface Draft {
  name: string;
  filter: string;
  window: string;
  every: string;
  comparator: Comparator;
  critical: string;
  recovery: string;
  message: string;
  channels: string[];
  disabled: boolean;
}

function draftOf(m: Monitor | null): Draft {
  return {
    name: m?.name ?? "", filter: m?.filter ?? "", window: String((seconds(m?.window) ?? defaultWindow) / 60), every: String(seconds(m?.every) ?? defaultEvery),
    comparator: m?.comparator ?? "COMPARATOR_ABOVE", critical: String(m?.critical ?? 0),
    recovery: m?.critical_recovery === undefined || m.critical_recovery === null ? "" : String(m.critical_recovery),
    message: m?.message ?? "{{name}} is {{state}}: {{value}} (threshold {{threshold}})\n{{link}}", channels: m?.channel_ids ?? [], disabled: m?.disabled ?? false,
  };
}

// inputOf sets an empty recovery to null: alert and recovery are then the same.
function inputOf(d: Draft): MonitorInput {
  return {
    name: d.name.trim(), filter: d.filter.trim(), window: `${Number(d.window) * 60}s`, every: `${Number(d.every)}s`, comparator: d.comparator, critical: Number(d.critical),
    message: d.message, channel_ids: d.channels, disabled: d.disabled, critical_recovery: d.recovery.trim() === "" ? null : Number(d.recovery),
  };
}

const touched = ["/api/v1/monitors", "/api/v1/monitors/{id}", "/api/v1/audit-events", "transitions"];

export function MonitorForm({ monitor }: { monitor: Monitor | null }) {
  const navigate = useNavigate();
  const [draft, setDraft] = useState(() => draftOf(monitor));
  const [deleting, setDeleting] = useState(false);
  const [saved, setSaved] = useState(false);
  const channels = useList("/api/v1/notification-channels");
  const set = (part: Partial<Draft>) => { setDraft((d) => ({ ...d, ...part })); setSaved(false); };
  const save = useWrite(
    (input: MonitorInput) => monitor === null ? call("post", "/api/v1/monitors", { body: input }) : call("patch", "/api/v1/monitors/{id}", { path: { id: monitor.id }, body: input }),
    touched,
    (out) => { setSaved(true); if (monitor === null) void navigate(`/monitors/${out.id}`, { replace: true }); },
  );
  const test = useWrite(() => call("post", "/api/v1/monitors/{id}:test", { path: { id: monitor?.id ?? "" }, body: {} }), []);
  const remove = useWrite(() => call("delete", "/api/v1/monitors/{id}", { path: { id: monitor?.id ?? "" } }), touched.slice(0, 1), () => void navigate("/monitors"));
  const submit = (e: FormEvent) => { e.preventDefault(); save.mutate(inputOf(draft)); };
  const toggle = (id: string) => set({ channels: draft.channels.includes(id) ? draft.channels.filter((c) => c !== id) : [...draft.channels, id] });

  return (
    <Page title={monitor === null ? "New monitor" : monitor.name} lead={monitor !== null && <CurrentState monitor={monitor} />} actions={monitor !== null && <Button busy={test.isPending} onClick={() => test.mutate(undefined)}>Send test notification</Button>}>
      {test.data !== undefined && <section className="section" role="status"><h2>Test</h2><Results results={test.data.results} /></section>}
      <Problem error={test.error} />
      <form className="form narrow" onSubmit={submit} aria-label="Monitor">
        <TextField label="Name" required maxLength={255} value={draft.name} onChange={(e) => set({ name: e.target.value })} />
        <FilterField label="Counts exchanges that match" value={draft.filter} onChange={(filter) => set({ filter })} hint={<>Empty counts everything. <CurrentValue filter={draft.filter} window={Number(draft.window) * 60} /></>} />
        <div className="columns">
          <TextField label="Within, minutes" type="number" min="0.02" max="2880" step="any" required value={draft.window} onChange={(e) => set({ window: e.target.value })} />
          <TextField label="Asked every, seconds" type="number" min="1" step="1" required value={draft.every} onChange={(e) => set({ every: e.target.value })} />
        </div>
        <div className="columns">
          <Select label="Alert when the count is" choices={comparators} value={draft.comparator} onChange={(e) => set({ comparator: e.target.value as Comparator })} />
          <TextField label="Threshold" type="number" step="any" required value={draft.critical} onChange={(e) => set({ critical: e.target.value })} />
          <TextField label="Recovery" type="number" step="any" value={draft.recovery} onChange={(e) => set({ recovery: e.target.value })} hint="Crossing back over this ends the alert; the threshold when empty." />
        </div>
        <TextArea label="Message" className="mono" value={draft.message} onChange={(e) => set({ message: e.target.value })} hint={<><code>{"{{value}} {{threshold}} {{name}} {{state}} {{link}}"}</code> are replaced; <code>@ntfy-NAME</code> and <code>@webhook-NAME</code> notify a channel, too.</>} />
        <fieldset>
          <legend>Notify</legend>
          {channels.data?.notification_channels.length === 0 && <p className="faint">There are no channels. <Link to="/channels/new">New channel</Link></p>}
          <div className="choices">
            {channels.data?.notification_channels.map((c) => <label key={c.id}><input type="checkbox" checked={draft.channels.includes(c.id)} onChange={() => toggle(c.id)} /> {c.name}</label>)}
          </div>
        </fieldset>
        <Check label="Off: not evaluated" checked={draft.disabled} onChange={(e) => set({ disabled: e.target.checked })} />
        <Problem error={save.error} />
        <div className="form-actions">
          <Button kind="primary" type="submit" busy={save.isPending}>{monitor === null ? "Create" : "Save"}</Button>
          {saved && <span role="status" className="good">Saved.</span>}
          {monitor !== null && <Button kind="danger" className="end" onClick={() => setDeleting(true)}>Delete…</Button>}
        </div>
      </form>
      {monitor !== null && <History id={monitor.id} />}
      {deleting && (
        <Confirm title="Delete this monitor?" action="Delete" busy={remove.isPending} onClose={() => setDeleting(false)} onConfirm={() => remove.mutate(undefined)}>
          <p>{monitor?.name} no longer alerts anybody.</p>
          <Problem error={remove.error} />
        </Confirm>
      )}
    </Page>
  );
}
