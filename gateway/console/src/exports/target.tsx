import type { Destination, DestinationInput } from "../api/types";
import { TextArea, TextField } from "../ui/field";
import { parseHeaders } from "../ui/header-lines";

export interface Draft {
  kind: "datadog" | "webhook";
  description: string;
  key: string;
  site: string;
  tags: string;
  service: string;
  url: string;
  secret: string;
  headers: string;
}

export function draftOf(d: Destination | null): Draft {
  return {
    kind: d?.webhook ? "webhook" : "datadog", description: d?.description ?? "", key: "", site: d?.datadog?.ddsite ?? "", tags: d?.datadog?.ddtags ?? "",
    service: d?.datadog?.service ?? "", url: d?.datadog?.url ?? d?.webhook?.url ?? "", secret: "", headers: "",
  };
}

// targetOf leaves out secrets that were not given: the stored ones stay.
export function targetOf(d: Draft): Pick<DestinationInput, "datadog" | "webhook"> {
  if (d.kind === "datadog") {
    return { datadog: { ddsite: d.site.trim(), ddtags: d.tags.trim(), service: d.service.trim(), url: d.url.trim(), ...(d.key === "" ? {} : { api_key: d.key.trim() }) } };
  }
  const { headers } = parseHeaders(d.headers);
  return { webhook: { url: d.url.trim(), ...(d.secret === "" ? {} : { secret: d.secret.trim() }), ...(Object.keys(headers).length === 0 ? {} : { headers }) } };
}

interface Props {
  draft: Draft;
  set: (part: Partial<Draft>) => void;
  stored: boolean;
}

const keep = "Leave empty to keep what is stored.";

export function DatadogFields({ draft, set, stored }: Props) {
  return (
    <>
      <TextField label="API key" type="password" required={!stored} value={draft.key} onChange={(e) => set({ key: e.target.value })} hint={stored ? keep : "It is never shown again."} />
      <TextField label="Site" list="dd-sites" placeholder="datadoghq.eu" required={draft.url === ""} value={draft.site} onChange={(e) => set({ site: e.target.value })} />
      <datalist id="dd-sites">{["datadoghq.com", "datadoghq.eu", "us3.datadoghq.com", "us5.datadoghq.com", "ap1.datadoghq.com", "ddog-gov.com"].map((s) => <option key={s} value={s} />)}</datalist>
      <div className="columns">
        <TextField label="Service" value={draft.service} onChange={(e) => set({ service: e.target.value })} />
        <TextField label="Tags" placeholder="env:prod,team:web" value={draft.tags} onChange={(e) => set({ tags: e.target.value })} />
      </div>
      <TextField label="URL" type="url" className="mono" value={draft.url} onChange={(e) => set({ url: e.target.value })} hint="Instead of the site's own, for a relay. Usually empty." />
    </>
  );
}

export function WebhookFields({ draft, set, stored }: Props) {
  const { problem } = parseHeaders(draft.headers);
  return (
    <>
      <TextField label="URL" type="url" className="mono" required placeholder="https://events.example.com/in" value={draft.url} onChange={(e) => set({ url: e.target.value })} />
      <TextField label="Signing secret" type="password" placeholder="whsec_…" value={draft.secret} onChange={(e) => set({ secret: e.target.value })} hint={stored ? keep : "Requests are signed by the Standard Webhooks specification when it is set."} />
      <TextArea label="Headers" className="mono" rows={3} placeholder="x-key: value" value={draft.headers} onChange={(e) => set({ headers: e.target.value })} hint={problem || (stored ? keep : "One per line.")} />
    </>
  );
}
