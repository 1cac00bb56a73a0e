import { useState, type FormEvent } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { call } from "../api/client";
import { useItem, useList, useWrite } from "../api/queries";
import type { Subscription, SubscriptionInput } from "../api/types";
import { FilterField } from "../search/filter-field";
import { Page } from "../shell/page";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { TextField } from "../ui/field";
import { Failed, Loading, Problem } from "../ui/state";
import { destinationName } from "./name";
import { Delivery } from "./status";

export function SubscriptionEditor() {
  const { id = "new" } = useParams();
  const { data, error, isPending, refetch } = useItem("/api/v1/event-subscriptions/{id}", id === "new" ? "" : id, 10_000);
  if (id === "new") return <Form key="new" subscription={null} />;
  if (error !== null && data === undefined) return <Page title="Subscription"><Failed error={error} retry={() => void refetch()} /></Page>;
  if (isPending) return <Page title="Subscription"><Loading what="the subscription" /></Page>;
  return <Form key={data.id} subscription={data} />;
}

interface Source {
  key: number;
  type: string;
  filter: string;
  fields: string;
}

const touched = ["/api/v1/event-subscriptions", "/api/v1/event-subscriptions/{id}", "/api/v1/audit-events"];

function Form({ subscription }: { subscription: Subscription | null }) {
  const navigate = useNavigate();
  const [description, setDescription] = useState(subscription?.description ?? "");
  const [sources, setSources] = useState<Source[]>(
    () => subscription?.sources.map((s, key) => ({ key, type: s.type, filter: s.filter, fields: s.fields.join(", ") })) ?? [{ key: 0, type: "http_request_complete.v0", filter: "", fields: "" }],
  );
  const [chosen, setChosen] = useState<string[]>(subscription?.destination_ids ?? []);
  const [deleting, setDeleting] = useState(false);
  const destinations = useList("/api/v1/event-destinations");
  const save = useWrite(
    (input: SubscriptionInput) => subscription === null ? call("post", "/api/v1/event-subscriptions", { body: input }) : call("patch", "/api/v1/event-subscriptions/{id}", { path: { id: subscription.id }, body: input }),
    touched,
    (out) => { if (subscription === null) void navigate(`/exports/subscriptions/${out.id}`, { replace: true }); },
  );
  const remove = useWrite(() => call("delete", "/api/v1/event-subscriptions/{id}", { path: { id: subscription?.id ?? "" } }), touched.slice(0, 1), () => void navigate("/exports"));
  const set = (key: number, part: Partial<Source>) => setSources((all) => all.map((s) => (s.key === key ? { ...s, ...part } : s)));
  const submit = (e: FormEvent) => {
    e.preventDefault();
    save.mutate({
      description, destination_ids: chosen,
      sources: sources.map((s) => ({ type: s.type.trim(), filter: s.filter.trim(), fields: s.fields.split(/[\s,]+/).filter((f) => f !== "") })),
    });
  };
  return (
    <Page title={subscription === null ? "New subscription" : subscription.description || subscription.id} lead={subscription !== null && <code>{subscription.id}</code>}>
      <form className="form narrow" onSubmit={submit} aria-label="Subscription">
        <TextField label="Description" maxLength={255} value={description} onChange={(e) => setDescription(e.target.value)} />
        {sources.map((s) => (
          <fieldset key={s.key}>
            <legend>Events</legend>
            <div className="row">
              <div className="grow"><TextField label="Type" className="mono" required value={s.type} onChange={(e) => set(s.key, { type: e.target.value })} /></div>
              {sources.length > 1 && <Button kind="quiet" aria-label={`Remove ${s.type}`} onClick={() => setSources(sources.filter((x) => x.key !== s.key))}>✕</Button>}
            </div>
            <FilterField label="Only those that match" value={s.filter} onChange={(filter) => set(s.key, { filter })} hint="Empty sends all of them." />
            <TextField label="Fields" className="mono" placeholder="http.request.method, http.response.status_code" value={s.fields} onChange={(e) => set(s.key, { fields: e.target.value })} hint="Empty sends every field." />
          </fieldset>
        ))}
        <p><Button onClick={() => setSources([...sources, { key: Math.max(...sources.map((s) => s.key)) + 1, type: "", filter: "", fields: "" }])}>Add a type of event</Button></p>
        <fieldset>
          <legend>Destinations</legend>
          {destinations.data?.event_destinations.length === 0 && <p className="faint">There are none. <Link to="/exports/destinations/new">New destination</Link></p>}
          {destinations.data?.event_destinations.map((d) => (
            <div key={d.id} className="choices">
              <label><input type="checkbox" checked={chosen.includes(d.id)} onChange={() => setChosen(chosen.includes(d.id) ? chosen.filter((c) => c !== d.id) : [...chosen, d.id])} /> {destinationName(d)}</label>
              {subscription?.status[d.id] && <Delivery status={subscription.status[d.id]} />}
            </div>
          ))}
        </fieldset>
        <Problem error={save.error} />
        <div className="form-actions">
          <Button kind="primary" type="submit" busy={save.isPending} disabled={chosen.length === 0}>{subscription === null ? "Create" : "Save"}</Button>
          {save.isSuccess && <span role="status" className="good">Saved.</span>}
          {subscription !== null && <Button kind="danger" className="end" onClick={() => setDeleting(true)}>Delete…</Button>}
        </div>
      </form>
      {deleting && (
        <Confirm title="Delete this subscription?" action="Delete" busy={remove.isPending} onClose={() => setDeleting(false)} onConfirm={() => remove.mutate(undefined)}>
          <p>Its events are no longer sent.</p>
          <Problem error={remove.error} />
        </Confirm>
      )}
    </Page>
  );
}
