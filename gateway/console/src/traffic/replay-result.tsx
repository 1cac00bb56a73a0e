import { Link } from "react-router";
import { durationText, seconds } from "../format/numbers";
import { Problem } from "../ui/state";
import { Status } from "./status";
import type { Replay } from "./use-replay";

// ReplayResultView shows what a replay was answered, and how that differs.
export function ReplayResultView({ replay, search }: { replay: Replay; search: string }) {
  if (replay.error !== null) return <Problem error={replay.error} />;
  const result = replay.data;
  if (result === undefined) return null;
  return (
    <div className="replay-result" role="status" data-testid="replay-result">
      <p>
        <Status code={result.status_code} /> in {durationText(seconds(result.duration))} ·{" "}
        <Link to={{ pathname: `/traffic/${result.exchange_id}`, search }} data-testid="replay-link">See the new exchange</Link>
      </p>
      {result.omitted_headers.length > 0 && (
        <p className="hint">Sent without {result.omitted_headers.join(", ")}: recorded values were redacted. Replay with changes to set them.</p>
      )}
      {result.differences.length === 0 ? (
        <p className="faint">The answer is the same as before.</p>
      ) : (
        <table className="data compact" aria-label="Differences">
          <thead><tr><th>Differs</th><th>Before</th><th>Now</th></tr></thead>
          <tbody>
            {result.differences.map((d) => (
              <tr key={d.field}>
                <td><code>{d.field}</code></td>
                <td className="mono before">{d.before}</td>
                <td className="mono after">{d.after}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
