import type { PolicyTrace } from "../api/types";
import { plain, prettyJson } from "../format/json";
import { durationText, seconds } from "../format/numbers";
import { Badge, type Tone } from "../ui/badge";

type Phase = PolicyTrace["phases"][number];
type Rule = Phase["rules"][number];
type Action = Rule["actions"][number];

// Trace tells how the Traffic Policy went, rule by rule.
export function Trace({ trace }: { trace: PolicyTrace }) {
  return (
    <section data-testid="policy-trace">
      <h2>Rules <span className="faint">{durationText(seconds(trace.duration))}</span></h2>
      {trace.phases.map((p, i) => (
        <div key={`${p.phase}${i}`} className="trace-phase">
          <div className="trace-head"><code>{p.phase}</code><span className="number faint">{durationText(seconds(p.duration))}</span></div>
          <ol className="trace">{p.rules.map((r) => <RuleView key={r.index} rule={r} />)}</ol>
          {p.omitted_rules > 0 && <p className="faint">{p.omitted_rules} more that did not match.</p>}
        </div>
      ))}
    </section>
  );
}

function RuleView({ rule }: { rule: Rule }) {
  return (
    <li className={rule.matched ? "" : "faint"}>
      <div className="trace-head">
        <Badge tone={rule.error !== "" ? "bad" : rule.matched ? "good" : "plain"}>{rule.error !== "" ? "failed" : rule.matched ? "matched" : "no match"}</Badge>
        <span className="grow">{rule.name || `Rule ${rule.index}`}</span>
        <span className="number faint">{durationText(seconds(rule.duration))}</span>
      </div>
      {rule.false_expression !== "" && <div>false: <code>{rule.false_expression}</code></div>}
      {rule.error !== "" && <div className="bad">{rule.error}</div>}
      {rule.actions.map((a) => <ActionView key={a.index} action={a} />)}
    </li>
  );
}

const outcomes: Record<Action["outcome"], { label: string; tone: Tone }> = {
  OUTCOME_UNSPECIFIED: { label: "unknown", tone: "plain" },
  OUTCOME_CONTINUED: { label: "went on", tone: "plain" },
  OUTCOME_DECIDED: { label: "answered", tone: "warn" },
  OUTCOME_FAILED: { label: "failed", tone: "bad" },
};

function ActionView({ action }: { action: Action }) {
  const outcome = outcomes[action.outcome];
  return (
    <div className="trace-action">
      <div className="trace-head">
        <code>{action.type}</code> {action.name !== "" && <span className="faint">{action.name}</span>}
        <span className="grow"><Badge tone={outcome.tone}>{outcome.label}</Badge></span>
        <span className="number faint">{durationText(seconds(action.duration))}</span>
      </div>
      {action.results !== "" && (
        <details>
          <summary>Results</summary>
          <pre className="body">{plain(prettyJson(action.results).tokens)}</pre>
          {action.omitted_results.length > 0 && <p className="faint">Too large to keep: {action.omitted_results.join(", ")}</p>}
        </details>
      )}
    </div>
  );
}
