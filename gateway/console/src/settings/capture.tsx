import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { call } from "../api/client";
import { useWrite } from "../api/queries";
import type { CaptureSettings, CaptureSettingsInput } from "../api/types";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { Failed, Loading, Problem } from "../ui/state";
import { Moment } from "../ui/time";
import { KeepFields, keepInput, keepOf } from "./keep";
import { draftsOf, rulesOf } from "./redaction";
import { RedactionRules } from "./redaction-rules";

const path = "/api/v1/settings/capture";

// CaptureForm says what of each exchange is recorded.
export function CaptureForm() {
  const { data, error, isPending, refetch } = useQuery({ queryKey: [path], queryFn: ({ signal }) => call("get", path, { signal }) });
  return (
    <section className="section narrow" aria-label="Capture">
      <header><h2>Capture</h2></header>
      {isPending && <Loading what="the settings" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data !== undefined && <Form settings={data} />}
    </section>
  );
}

function Form({ settings }: { settings: CaptureSettings }) {
  const [full, setFull] = useState(settings.mode === "CAPTURE_MODE_FULL");
  const [requestLimit, setRequestLimit] = useState(String(settings.request_body_limit || 10240));
  const [responseLimit, setResponseLimit] = useState(String(settings.response_body_limit || 10240));
  const [sample, setSample] = useState(String(settings.sample_percent || 100));
  const [redact, setRedact] = useState(settings.redact_headers.join(", "));
  const [keep, setKeep] = useState(() => keepOf(settings.keep));
  const [rules, setRules] = useState(() => draftsOf(settings.redaction_rules));
  const [disabled, setDisabled] = useState(settings.disabled_redaction_rules.join(", "));
  const [messages, setMessages] = useState(String(settings.message_limit || 1000));
  const save = useWrite((input: CaptureSettingsInput) => call("patch", path, { body: input }), [path, "/api/v1/audit-events"]);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    save.mutate({
      mode: full ? "CAPTURE_MODE_FULL" : "CAPTURE_MODE_METADATA", request_body_limit: Number(requestLimit), response_body_limit: Number(responseLimit),
      sample_percent: Number(sample), redact_headers: words(redact), keep: keepInput(keep), redaction_rules: rulesOf(rules), disabled_redaction_rules: words(disabled), message_limit: Number(messages),
    });
  };
  return (
    <form className="form" onSubmit={submit} aria-label="Capture">
      <fieldset>
        <legend>What is recorded of each exchange</legend>
        <div className="field check">
          <input id="mode-metadata" type="radio" name="mode" checked={!full} onChange={() => setFull(false)} />
          <label htmlFor="mode-metadata">Metadata</label>
          <p className="hint">Everything but the bodies.</p>
        </div>
        <div className="field check">
          <input id="mode-full" type="radio" name="mode" checked={full} onChange={() => setFull(true)} />
          <label htmlFor="mode-full">Full capture</label>
          <p className="hint">Also the bodies, up to the limits. They may hold personal data; replaying a request with a body needs them.</p>
        </div>
      </fieldset>
      <div className="columns">
        <TextField label="Request body, bytes" type="number" min="1" max={1 << 30} disabled={!full} value={requestLimit} onChange={(e) => setRequestLimit(e.target.value)} />
        <TextField label="Response body, bytes" type="number" min="1" max={1 << 30} disabled={!full} value={responseLimit} onChange={(e) => setResponseLimit(e.target.value)} />
        <TextField label="Sample, percent" type="number" min="0.001" max="100" step="any" required value={sample} onChange={(e) => setSample(e.target.value)} hint="The others are counted as sampled out." />
        <TextField label="Messages of one stream" type="number" min="1" max="100000" disabled={!full} value={messages} onChange={(e) => setMessages(e.target.value)} hint="Of a WebSocket, gRPC call or event stream." />
      </div>
      {Number(sample) < 100 && <KeepFields keep={keep} onChange={setKeep} />}
      <TextField label="Further headers to redact" className="mono" placeholder="x-session, x-api-key" value={redact} onChange={(e) => setRedact(e.target.value)} hint="Before anything leaves the proxy. Authorization, Cookie and their like always are." />
      <RedactionRules rules={rules} onChange={setRules} />
      <TextField label="Default redaction rules that are off" className="mono" placeholder="card_number" value={disabled} onChange={(e) => setDisabled(e.target.value)} hint="Names of default rules, such as json_password, form_password, bearer_token or card_number." />
      <Problem error={save.error} />
      <div className="form-actions">
        <Button kind="primary" type="submit" busy={save.isPending}>Save</Button>
        {save.isSuccess && <span role="status" className="good">Saved. It holds for requests from now on.</span>}
        {settings.updated_at !== null && <span className="faint">Changed <Moment iso={settings.updated_at} /></span>}
      </div>
    </form>
  );
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((w) => w !== "");
}
