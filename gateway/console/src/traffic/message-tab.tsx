import type { Exchange, Header } from "../api/types";
import { Badge } from "../ui/badge";
import { BodyView } from "./body-view";

export function RequestTab({ exchange }: { exchange: Exchange }) {
  const request = exchange.request;
  if (request === null) return <p className="faint">No request was recorded.</p>;
  return (
    <>
      <Query query={request.query} />
      <Headers title="Headers" headers={request.headers} />
      <BodyView body={request.body} headers={request.headers} full={exchange.full_capture} />
      {request.trailers.length > 0 && <Headers title="Trailers" headers={request.trailers} />}
    </>
  );
}

export function ResponseTab({ exchange }: { exchange: Exchange }) {
  const response = exchange.response;
  if (response === null) return <p className="faint">No response was sent: the client went away.</p>;
  return (
    <>
      <Headers title="Headers" headers={response.headers} />
      <BodyView body={response.body} headers={response.headers} full={exchange.full_capture} />
      {response.trailers.length > 0 && <Headers title="Trailers" headers={response.trailers} />}
    </>
  );
}

function Query({ query }: { query: string }) {
  if (query === "") return null;
  return (
    <section>
      <h2>Query</h2>
      <table className="pairs" aria-label="Query parameters"><tbody>
        {[...new URLSearchParams(query)].map(([name, value], i) => <tr key={i}><th scope="row">{name}</th><td>{value}</td></tr>)}
      </tbody></table>
    </section>
  );
}

function Headers({ title, headers }: { title: string; headers: Header[] }) {
  return (
    <section>
      <h2>{title} <span className="faint">{headers.length}</span></h2>
      <table className="pairs" aria-label={title}><tbody>
        {headers.map((h, i) => (
          <tr key={i}>
            <th scope="row">{h.name}</th>
            <td>{h.redacted_by === "" ? h.value : <><span className="faint">{h.value || "removed"}</span> <Badge tone="warn" title={`The rule ${h.redacted_by} removed the value before it was recorded`}>redacted by {h.redacted_by}</Badge></>}</td>
          </tr>
        ))}
      </tbody></table>
    </section>
  );
}
