import type { components } from "../api/schema";
import type { Answer } from "../api/types";
import { Badge } from "../ui/badge";

// TestResult shows what the other side answered to a test event.
export function TestResult({ result }: { result: Answer<components["schemas"]["sluice.events.v1.TestEventDestinationResponse"]> }) {
  return (
    <section className="section" role="status" data-testid="test-result">
      <h2>Test event <Badge tone={result.delivered ? "good" : "bad"}>{result.delivered ? "accepted" : "not accepted"}</Badge></h2>
      <p>
        {result.status_code !== 0 && <>The other side answered <b>HTTP {result.status_code}</b>. </>}
        {result.error !== "" && <span className="bad">{result.error} </span>}
        {result.event_id !== "" && <span className="faint">Event <code>{result.event_id}</code></span>}
      </p>
      {result.response_body !== "" && <pre className="body">{result.response_body}</pre>}
    </section>
  );
}
