import { useState, type FormEvent } from "react";
import { useNavigate, useParams } from "react-router";
import { call } from "../api/client";
import { useItem, useWrite } from "../api/queries";
import type { Endpoint, EndpointInput } from "../api/types";
import { Page } from "../shell/page";
import { Button, ButtonLink } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { TextField } from "../ui/field";
import { Failed, Loading, Problem } from "../ui/state";
import { CaptureFields, captureDraft, captureInput } from "./capture-fields";
import { PolicyEditor } from "./policy-editor";
import { TryRequest } from "./try-request";
import { draftOf, linesProblem, upstreamOf } from "./upstream";
import { UpstreamFields } from "./upstream-fields";
import { useValidation } from "./use-validation";

const touched = ["/api/v1/endpoints", "/api/v1/endpoints/{id}", "/api/v1/audit-events"];

export function EndpointEditor() {
  const { id = "new" } = useParams();
  const { data, error, isPending, refetch } = useItem("/api/v1/endpoints/{id}", id === "new" ? "" : id);
  if (id === "new") return <Form key="new" endpoint={null} />;
  if (error !== null) return <Page title="Endpoint"><Failed error={error} retry={() => void refetch()} /></Page>;
  if (isPending) return <Page title="Endpoint"><Loading what="the endpoint" /></Page>;
  return <Form key={data.id} endpoint={data} />;
}

const example = `# Runs on every request, from top to bottom.
on_http_request:
  - actions:
      - type: rate-limit
        config:
          name: per-client
          algorithm: sliding_window
          capacity: 100
          rate: 1m
          bucket_key:
            - conn.client_ip
`;

function Form({ endpoint }: { endpoint: Endpoint | null }) {
  const navigate = useNavigate();
  const [url, setURL] = useState(endpoint?.url ?? "");
  const [name, setName] = useState(endpoint?.name ?? "");
  const [description, setDescription] = useState(endpoint?.description ?? "");
  const [upstream, setUpstream] = useState(() => draftOf(endpoint?.upstream));
  const [capture, setCapture] = useState(() => captureDraft(endpoint?.capture));
  const [policy, setPolicy] = useState(endpoint?.traffic_policy ?? "");
  const [deleting, setDeleting] = useState(false);
  const [saved, setSaved] = useState(false);
  const validation = useValidation(policy, upstream.targets.trim() === "" && policy.trim() !== "");
  const broken = linesProblem(upstream.targets) !== "" || validation.problems.some((p) => p.severity !== "SEVERITY_WARNING");

  const save = useWrite(
    (input: EndpointInput) => endpoint === null
      ? call("post", "/api/v1/endpoints", { body: input })
      : call("patch", "/api/v1/endpoints/{id}", { path: { id: endpoint.id }, body: input }),
    touched,
    (out) => {
      setSaved(true);
      if (endpoint === null) void navigate(`/endpoints/${out.id}`, { replace: true });
    },
  );
  const remove = useWrite(() => call("delete", "/api/v1/endpoints/{id}", { path: { id: endpoint?.id ?? "" } }), touched.slice(0, 1), () => void navigate("/endpoints"));
  const submit = (e: FormEvent) => {
    e.preventDefault();
    setSaved(false);
    save.mutate({
      url: url.trim(), name: name.trim(), description, traffic_policy: policy,
      upstream: upstreamOf(upstream, endpoint?.upstream), capture: captureInput(capture),
    });
  };
  const title = endpoint === null ? "New endpoint" : endpoint.name || endpoint.url;
  return (
    <Page title={title} lead={endpoint !== null && <code>{endpoint.id}</code>} actions={endpoint !== null && <ButtonLink to={`/traffic?filter=${encodeURIComponent(`@endpoint.id:${endpoint.id}`)}`}>Traffic</ButtonLink>}>
      <form className="form" onSubmit={submit} aria-label="Endpoint" onChange={() => setSaved(false)}>
        <div className="columns">
          <TextField label="URL" className="mono" required placeholder="https://api.example.com" value={url} onChange={(e) => setURL(e.target.value)} hint="What clients call. A first label *. matches every subdomain." />
          <TextField label="Name" value={name} maxLength={255} onChange={(e) => setName(e.target.value)} hint="The host when empty." />
          <TextField label="Description" value={description} maxLength={255} onChange={(e) => setDescription(e.target.value)} />
        </div>
        <UpstreamFields draft={upstream} onChange={(u) => { setUpstream(u); setSaved(false); }} />
        <CaptureFields draft={capture} onChange={(c) => { setCapture(c); setSaved(false); }} />
        <div className="body-head">
          <h2>Traffic Policy</h2>
          {policy.trim() === "" && <Button kind="quiet" onClick={() => setPolicy(example)}>Start from an example</Button>}
        </div>
        <PolicyEditor value={policy} onChange={(v) => { setPolicy(v); setSaved(false); }} problems={validation.problems} checking={validation.checking} />
        <Problem error={validation.error} />
        <Problem error={save.error} />
        <div className="form-actions">
          <Button kind="primary" type="submit" busy={save.isPending} disabled={broken} title={broken ? "Something above has problems" : undefined}>{endpoint === null ? "Create" : "Save"}</Button>
          {saved && <span role="status" className="good">Saved. Proxies apply it at once.</span>}
          {endpoint !== null && <Button kind="danger" className="end" onClick={() => setDeleting(true)}>Delete…</Button>}
        </div>
      </form>
      <TryRequest policy={policy} endpoint={url} />
      {deleting && (
        <Confirm title="Delete this endpoint?" action="Delete" busy={remove.isPending} onClose={() => setDeleting(false)} onConfirm={() => remove.mutate(undefined)}>
          <p><b className="mono">{endpoint?.url}</b> stops answering at once. Its recorded traffic stays.</p>
          <Problem error={remove.error} />
        </Confirm>
      )}
    </Page>
  );
}
