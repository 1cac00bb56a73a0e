import { useState, type FormEvent } from "react";
import { useNavigate, useParams } from "react-router";
import { call } from "../api/client";
import { useItem, useWrite } from "../api/queries";
import type { Channel, ChannelInput } from "../api/types";
import { Results } from "../monitors/results";
import { Page } from "../shell/page";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Check, Select, TextArea, TextField } from "../ui/field";
import { parseHeaders } from "../ui/header-lines";
import { Failed, Loading, Problem } from "../ui/state";

export function ChannelEditor() {
  const { id = "new" } = useParams();
  const { data, error, isPending, refetch } = useItem("/api/v1/notification-channels/{id}", id === "new" ? "" : id);
  if (id === "new") return <Form key="new" channel={null} />;
  if (error !== null) return <Page title="Channel"><Failed error={error} retry={() => void refetch()} /></Page>;
  if (isPending) return <Page title="Channel"><Loading what="the channel" /></Page>;
  return <Form key={data.id} channel={data} />;
}

const touched = ["/api/v1/notification-channels", "/api/v1/notification-channels/{id}", "/api/v1/audit-events"];

function Form({ channel }: { channel: Channel | null }) {
  const navigate = useNavigate();
  const [name, setName] = useState(channel?.name ?? "");
  const [kind, setKind] = useState(channel?.webhook ? "webhook" : "ntfy");
  const [url, setURL] = useState(channel?.ntfy?.url ?? channel?.webhook?.url ?? "");
  const [secret, setSecret] = useState("");
  const [headers, setHeaders] = useState("");
  const [custom, setCustom] = useState(typeof channel?.webhook?.payload === "string");
  const [payload, setPayload] = useState(channel?.webhook?.payload ?? "");
  const [deleting, setDeleting] = useState(false);
  const parsed = parseHeaders(headers);
  const save = useWrite(
    (input: ChannelInput) => channel === null ? call("post", "/api/v1/notification-channels", { body: input }) : call("patch", "/api/v1/notification-channels/{id}", { path: { id: channel.id }, body: input }),
    touched,
    (out) => { if (channel === null) void navigate(`/channels/${out.id}`, { replace: true }); },
  );
  const test = useWrite(() => call("post", "/api/v1/notification-channels/{id}:test", { path: { id: channel?.id ?? "" }, body: {} }), touched.slice(0, 2));
  const remove = useWrite(() => call("delete", "/api/v1/notification-channels/{id}", { path: { id: channel?.id ?? "" } }), touched.slice(0, 1), () => void navigate("/channels"));
  // What is secret and was left empty is not sent: the stored value stays.
  const submit = (e: FormEvent) => {
    e.preventDefault();
    const target: ChannelInput = kind === "ntfy"
      ? { ntfy: { url, ...(secret === "" ? {} : { token: secret }) } }
      : { webhook: { url, payload: custom ? payload : null, ...(headers.trim() === "" ? {} : { headers: parsed.headers }) } };
    save.mutate({ name, ...target });
  };
  const keep = channel === null ? undefined : "Leave empty to keep what is stored.";
  return (
    <Page title={channel?.name ?? "New channel"} actions={channel !== null && <Button busy={test.isPending} onClick={() => test.mutate(undefined)}>Send test notification</Button>}>
      {test.data !== undefined && <section className="section" role="status"><h2>Test</h2><Results results={[test.data]} /></section>}
      <Problem error={test.error} />
      <form className="form narrow" onSubmit={submit} aria-label="Channel">
        <TextField label="Name" required pattern="[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}" value={name} onChange={(e) => setName(e.target.value)} hint={<>Messages name it <code>@{kind}-{name || "NAME"}</code>.</>} />
        <Select label="Kind" disabled={channel !== null} value={kind} onChange={(e) => setKind(e.target.value)} choices={[{ value: "ntfy", label: "ntfy topic" }, { value: "webhook", label: "Webhook" }]} />
        <TextField label="URL" className="mono" type="url" required placeholder={kind === "ntfy" ? "https://ntfy.example.com/alerts" : "https://hooks.example.com/alerts"} value={url} onChange={(e) => setURL(e.target.value)} />
        {kind === "ntfy" ? (
          <TextField label="Access token" type="password" value={secret} onChange={(e) => setSecret(e.target.value)} hint={keep} />
        ) : (
          <>
            <TextArea label="Headers" className="mono" rows={3} placeholder="x-key: value" value={headers} onChange={(e) => setHeaders(e.target.value)} hint={parsed.problem || keep} />
            <Check label="Own payload" checked={custom} onChange={(e) => setCustom(e.target.checked)} hint="Else the default JSON is sent." />
            {custom && <TextArea label="Payload" className="mono" rows={8} value={payload} onChange={(e) => setPayload(e.target.value)} hint={<>With Datadog's variables, such as <code>$EVENT_TITLE</code>.</>} />}
          </>
        )}
        <Problem error={save.error} />
        <div className="form-actions">
          <Button kind="primary" type="submit" busy={save.isPending} disabled={parsed.problem !== ""}>{channel === null ? "Create" : "Save"}</Button>
          {save.isSuccess && <span role="status" className="good">Saved.</span>}
          {channel !== null && <Button kind="danger" className="end" onClick={() => setDeleting(true)}>Delete…</Button>}
        </div>
      </form>
      {deleting && (
        <Confirm title="Delete this channel?" action="Delete" busy={remove.isPending} onClose={() => setDeleting(false)} onConfirm={() => remove.mutate(undefined)}>
          <p>Monitors that notify {channel?.name} do so no longer.</p>
          <Problem error={remove.error} />
        </Confirm>
      )}
    </Page>
  );
}
