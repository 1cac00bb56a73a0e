import type { EndpointCaptureInput } from "../api/types";
import { KeepFields, keepInput, keepOf, type Keep } from "../settings/keep";
import { Check, Select, TextField } from "../ui/field";

type Mode = NonNullable<EndpointCaptureInput["mode"]>;

export interface CaptureDraft {
  on: boolean;
  mode: Mode;
  request: string;
  response: string;
  sample: string;
  keep: Keep;
}

export function captureDraft(c: EndpointCaptureInput | null | undefined): CaptureDraft {
  return {
    on: Boolean(c), mode: c?.mode ?? "CAPTURE_MODE_UNSPECIFIED", request: c?.request_body_limit ? String(c.request_body_limit) : "", response: c?.response_body_limit ? String(c.response_body_limit) : "",
    sample: c?.sample_percent === undefined || c.sample_percent === null ? "" : String(c.sample_percent), keep: keepOf(c?.keep),
  };
}

export function captureInput(d: CaptureDraft): EndpointCaptureInput | null {
  if (!d.on) return null;
  const keep = d.keep.serverErrors || d.keep.slowerThan !== "" || d.keep.expression !== "";
  return {
    mode: d.mode, request_body_limit: Number(d.request) || 0, response_body_limit: Number(d.response) || 0,
    ...(d.sample.trim() === "" ? {} : { sample_percent: Number(d.sample) }), ...(keep ? { keep: keepInput(d.keep) } : {}),
  };
}

// CaptureFields say what of this endpoint is recorded, where that differs from the
// settings.
export function CaptureFields({ draft, onChange }: { draft: CaptureDraft; onChange: (draft: CaptureDraft) => void }) {
  const set = (part: Partial<CaptureDraft>) => onChange({ ...draft, ...part });
  return (
    <details className="more-fields" open={draft.on || undefined}>
      <summary>Recording of this endpoint{draft.on && " (differs from the settings)"}</summary>
      <Check label="Not as the settings say" checked={draft.on} onChange={(e) => set({ on: e.target.checked })} />
      {draft.on && (
        <>
          <div className="columns">
            <Select label="Bodies" value={draft.mode} onChange={(e) => set({ mode: e.target.value as Mode })} choices={[{ value: "CAPTURE_MODE_UNSPECIFIED", label: "As the settings say" }, { value: "CAPTURE_MODE_METADATA", label: "Not recorded" }, { value: "CAPTURE_MODE_FULL", label: "Recorded" }]} />
            <TextField label="Request body, bytes" type="number" min="0" max={1 << 30} placeholder="as the settings say" value={draft.request} onChange={(e) => set({ request: e.target.value })} />
            <TextField label="Response body, bytes" type="number" min="0" max={1 << 30} placeholder="as the settings say" value={draft.response} onChange={(e) => set({ response: e.target.value })} />
            <TextField label="Sample, percent" type="number" min="0.001" max="100" step="any" placeholder="as the settings say" value={draft.sample} onChange={(e) => set({ sample: e.target.value })} />
          </div>
          <KeepFields keep={draft.keep} onChange={(keep) => set({ keep })} />
        </>
      )}
    </details>
  );
}
