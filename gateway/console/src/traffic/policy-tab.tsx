import { Link } from "react-router";
import type { Exchange } from "../api/types";
import { plain, prettyJson } from "../format/json";
import { Trace } from "./trace";

// PolicyTab shows what the Traffic Policy did with the exchange.
export function PolicyTab({ exchange }: { exchange: Exchange }) {
  const policy = exchange.policy;
  const endpoint = <Link to={`/endpoints/${exchange.endpoint_id}`}>{exchange.endpoint_name || exchange.endpoint_url}</Link>;
  if (policy === null) return <p>No Traffic Policy ran. Endpoint: {endpoint}</p>;
  const facts: [string, React.ReactNode][] = [
    ["Endpoint", endpoint],
    ["Revision", policy.revision],
    ["Answered by", policy.action === "" ? "the upstream" : <><b>{policy.action}</b> in rule {policy.rule}</>],
    ["Rate limit", policy.rate_limit_decision && `${policy.rate_limit_decision}${policy.rate_limit_bucket === "" ? "" : `, bucket ${policy.rate_limit_bucket}`}`],
    ["Basic auth", policy.basic_auth_decision && `${policy.basic_auth_decision}${policy.user_name === "" ? "" : `, user ${policy.user_name}`}`],
    ...Object.entries(policy.decisions).map(([action, decision]): [string, React.ReactNode] => [action, decision]),
    ["Error", exchange.error && <><code>{exchange.error.code}</code> {exchange.error.message}</>],
  ];
  return (
    <>
      <table className="pairs" aria-label="Traffic Policy"><tbody>
        {facts.filter(([, v]) => v).map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td>{value}</td></tr>)}
      </tbody></table>
      {exchange.policy_trace && <Trace trace={exchange.policy_trace} />}
      {policy.logs.length > 0 && (
        <section>
          <h2>Log entries <span className="faint">{policy.logs.length}</span></h2>
          {policy.logs.map((l, i) => <pre className="body" key={i}>{plain(prettyJson(l).tokens)}</pre>)}
        </section>
      )}
    </>
  );
}
