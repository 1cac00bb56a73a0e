import type { NotificationResult } from "../api/types";
import { Badge } from "../ui/badge";

// Results tell what each channel answered.
export function Results({ results }: { results: NotificationResult[] }) {
  if (results.length === 0) return <p className="faint">No channel was notified.</p>;
  return (
    <ul className="plain-list" data-testid="notification-results">
      {results.map((r, i) => (
        <li key={`${r.channel_id}${i}`}>
          <Badge tone={r.delivered ? "good" : "bad"}>{r.delivered ? "delivered" : "failed"}</Badge> {r.channel_name || r.channel_id}
          {r.status_code !== 0 && <> · HTTP {r.status_code}</>}
          {r.error !== "" && <> · {r.error}</>}
          {r.response_body !== "" && <pre className="body">{r.response_body}</pre>}
        </li>
      ))}
    </ul>
  );
}
