import { Button } from "../ui/button";
import { ways, type Draft, type Way } from "./redaction";

interface Props {
  rules: Draft[];
  onChange: (rules: Draft[]) => void;
}

// RedactionRules edits what is redacted besides what the default rules find.
export function RedactionRules({ rules, onChange }: Props) {
  const set = (key: number, part: Partial<Draft>) => onChange(rules.map((r) => (r.key === key ? { ...r, ...part } : r)));
  const add = () => onChange([...rules, { key: rules.reduce((max, r) => Math.max(max, r.key), 0) + 1, name: "", way: "json_path", value: "" }]);
  return (
    <fieldset>
      <legend>Further values to redact</legend>
      {rules.map((r) => (
        <div className="row redaction-rule" key={r.key}>
          <input className="mono name" aria-label="Name of the rule" required pattern="[a-z][a-z0-9_]*" placeholder="partner_token" title="Small letters, digits and underscores" value={r.name} onChange={(e) => set(r.key, { name: e.target.value })} />
          <select aria-label="Found by" value={r.way} onChange={(e) => set(r.key, { way: e.target.value as Way })}>
            {ways.map((w) => <option key={w.id} value={w.id}>{w.label}</option>)}
          </select>
          <input className="mono grow" aria-label={`Where the rule ${r.name} looks`} required placeholder={ways.find((w) => w.id === r.way)?.example} value={r.value} onChange={(e) => set(r.key, { value: e.target.value })} />
          <Button kind="quiet" aria-label={`Remove the rule ${r.name}`} onClick={() => onChange(rules.filter((x) => x.key !== r.key))}>✕</Button>
        </div>
      ))}
      <p><Button onClick={add}>Add a rule</Button></p>
    </fieldset>
  );
}
