import { Check, Select, TextArea, TextField } from "../ui/field";
import { balancings, linesProblem, protocols, type Draft } from "./upstream";

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
}

// UpstreamFields edits where requests go.
export function UpstreamFields({ draft, onChange }: Props) {
  const set = (part: Partial<Draft>) => onChange({ ...draft, ...part });
  const lines = draft.targets.split("\n").length;
  const problem = linesProblem(draft.targets);
  const pool = draft.targets.trim().includes("\n") || /\s\d+\s*$/.test(draft.targets.trim());
  return (
    <>
      <TextArea
        label="Upstream" className="mono" rows={Math.max(1, Math.min(8, lines))} placeholder="http://127.0.0.1:3000" value={draft.targets} onChange={(e) => set({ targets: e.target.value })}
        hint={problem === "" ? "Where requests go: one server, or a pool with one a line and a weight after it, if you like. May be empty when the policy answers every request." : <span className="bad">{problem}</span>}
      />
      {draft.targets.includes("https:") && <Check label="Do not verify the upstream's certificate" checked={draft.skipVerify} onChange={(e) => set({ skipVerify: e.target.checked })} />}
      <details className="more-fields" open={pool || undefined}>
        <summary>Balancing, health, retries, timeouts</summary>
        <div className="columns">
          <Select label="Which target" choices={balancings} value={draft.balancing} onChange={(e) => set({ balancing: e.target.value as Draft["balancing"] })} />
          <Select label="Protocol" choices={protocols} value={draft.protocol} onChange={(e) => set({ protocol: e.target.value as Draft["protocol"] })} />
          <TextField label="Health check path" className="mono" placeholder="/healthz" value={draft.health} onChange={(e) => set({ health: e.target.value })} hint="Asked every 10 s; empty for no check." />
          <TextField label="Retries" type="number" min="0" max="10" value={draft.retries} onChange={(e) => set({ retries: e.target.value })} hint="Of idempotent requests, when an upstream fails." />
          <TextField label="Connect, seconds" type="number" min="0.001" step="any" placeholder="5" value={draft.connect} onChange={(e) => set({ connect: e.target.value })} />
          <TextField label="First byte, seconds" type="number" min="0.001" step="any" placeholder="300" value={draft.firstByte} onChange={(e) => set({ firstByte: e.target.value })} />
          <TextField label="Between bytes, seconds" type="number" min="0.001" step="any" placeholder="300" value={draft.idle} onChange={(e) => set({ idle: e.target.value })} />
          <TextField label="Requests in flight to one target" type="number" min="0" placeholder="no limit" value={draft.maxRequests} onChange={(e) => set({ maxRequests: e.target.value })} />
        </div>
        <Check label="Take a target that keeps failing out of the pool for a while" checked={draft.eject} onChange={(e) => set({ eject: e.target.checked })} />
      </details>
    </>
  );
}
