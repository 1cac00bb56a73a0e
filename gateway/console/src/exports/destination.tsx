import { useState, type FormEvent } from "react";
import { useNavigate, useParams } from "react-router";
import { call } from "../api/client";
import { useItem, useWrite } from "../api/queries";
import type { Destination, DestinationInput } from "../api/types";
import { Page } from "../shell/page";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Select, TextField } from "../ui/field";
import { Failed, Loading, Problem } from "../ui/state";
import { destinationName } from "./name";
import { Delivery } from "./status";
import { DatadogFields, WebhookFields, draftOf, targetOf, type Draft } from "./target";
import { TestResult } from "./test-result";

export function DestinationEditor() {
  const { id = "new" } = useParams();
  const { data, error, isPending, refetch } = useItem("/api/v1/event-destinations/{id}", id === "new" ? "" : id, 10_000);
  if (id === "new") return <Form key="new" destination={null} />;
  if (error !== null && data === undefined) return <Page title="Destination"><Failed error={error} retry={() => void refetch()} /></Page>;
  if (isPending) return <Page title="Destination"><Loading what="the destination" /></Page>;
  return <Form key={data.id} destination={data} />;
}

const touched = ["/api/v1/event-destinations", "/api/v1/event-destinations/{id}", "/api/v1/audit-events"];

function Form({ destination }: { destination: Destination | null }) {
  const navigate = useNavigate();
  const [draft, setDraft] = useState<Draft>(() => draftOf(destination));
  const [deleting, setDeleting] = useState(false);
  const set = (part: Partial<Draft>) => setDraft((d) => ({ ...d, ...part }));
  const save = useWrite(
    (input: DestinationInput) => destination === null ? call("post", "/api/v1/event-destinations", { body: input }) : call("patch", "/api/v1/event-destinations/{id}", { path: { id: destination.id }, body: input }),
    touched,
    (out) => { if (destination === null) void navigate(`/exports/destinations/${out.id}`, { replace: true }); },
  );
  const test = useWrite(() => call("post", "/api/v1/event-destinations/{id}:test", { path: { id: destination?.id ?? "" }, body: {} }), touched.slice(0, 2));
  const remove = useWrite(() => call("delete", "/api/v1/event-destinations/{id}", { path: { id: destination?.id ?? "" } }), touched.slice(0, 1), () => void navigate("/exports"));
  const submit = (e: FormEvent) => { e.preventDefault(); save.mutate({ description: draft.description, ...targetOf(draft) }); };
  const stored = destination !== null;
  return (
    <Page
      title={destination === null ? "New destination" : destinationName(destination)} lead={destination !== null && <Delivery status={destination.status} />}
      actions={destination !== null && <Button busy={test.isPending} onClick={() => test.mutate(undefined)}>Send test event</Button>}
    >
      {test.data !== undefined && <TestResult result={test.data} />}
      <Problem error={test.error} />
      <form className="form narrow" onSubmit={submit} aria-label="Destination">
        <Select
          label="Kind" disabled={stored} value={draft.kind} onChange={(e) => set({ kind: e.target.value === "webhook" ? "webhook" : "datadog" })}
          choices={[{ value: "datadog", label: "Datadog" }, { value: "webhook", label: "Webhook" }]}
        />
        <TextField label="Description" maxLength={255} value={draft.description} onChange={(e) => set({ description: e.target.value })} />
        {draft.kind === "datadog" ? <DatadogFields draft={draft} set={set} stored={stored} /> : <WebhookFields draft={draft} set={set} stored={stored} />}
        <Problem error={save.error} />
        <div className="form-actions">
          <Button kind="primary" type="submit" busy={save.isPending}>{stored ? "Save" : "Create"}</Button>
          {save.isSuccess && <span role="status" className="good">Saved.</span>}
          {stored && <Button kind="danger" className="end" onClick={() => setDeleting(true)}>Delete…</Button>}
        </div>
      </form>
      {deleting && (
        <Confirm title="Delete this destination?" action="Delete" busy={remove.isPending} onClose={() => setDeleting(false)} onConfirm={() => remove.mutate(undefined)}>
          <p>It is possible only when no subscription uses it.</p>
          <Problem error={remove.error} />
        </Confirm>
      )}
    </Page>
  );
}
