import type { CaptureKeepInput } from "../api/types";
import { seconds } from "../format/numbers";
import { Check, TextField } from "../ui/field";

export interface Keep {
  serverErrors: boolean;
  // Milliseconds, as typed; empty for none.
  slowerThan: string;
  expression: string;
}

export function keepOf(k: CaptureKeepInput | null | undefined): Keep {
  const s = seconds(k?.slower_than);
  return { serverErrors: k?.server_errors ?? false, slowerThan: s === null || s === 0 ? "" : String(Math.round(s * 1e6) / 1e3), expression: k?.expression ?? "" };
}

export function keepInput(k: Keep): CaptureKeepInput {
  return { server_errors: k.serverErrors, slower_than: k.slowerThan.trim() === "" ? null : `${Number(k.slowerThan) / 1000}s`, expression: k.expression.trim() } as CaptureKeepInput;
}

// KeepFields are the conditions any of which records an exchange that the sample
// would leave out.
export function KeepFields({ keep, onChange }: { keep: Keep; onChange: (keep: Keep) => void }) {
  return (
    <fieldset>
      <legend>Recorded although the sample leaves it out</legend>
      <Check label="Status 5xx, and no answer" checked={keep.serverErrors} onChange={(e) => onChange({ ...keep, serverErrors: e.target.checked })} />
      <div className="columns">
        <TextField label="As slow as, ms" type="number" min="1" step="any" placeholder="1000" value={keep.slowerThan} onChange={(e) => onChange({ ...keep, slowerThan: e.target.value })} />
        <TextField label="Where this is true" className="mono" maxLength={4096} placeholder="res.status_code == 429" value={keep.expression} onChange={(e) => onChange({ ...keep, expression: e.target.value })} hint="CEL over the variables of on_http_response." />
      </div>
    </fieldset>
  );
}
