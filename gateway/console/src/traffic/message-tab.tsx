import type { Exchange, Header, Redaction } from "../api/types";
import { BodyView } from "./body-view";
import { Marked, RedactedChip, Redactions, searchField } from "./redacted";

const ofRequest: Redaction["part"][] = ["PART_REQUEST_HEADER", "PART_REQUEST_QUERY", "PART_REQUEST_BODY", "PART_REQUEST_TRAILER"];
const ofResponse: Redaction["part"][] = ["PART_RESPONSE_HEADER", "PART_RESPONSE_BODY", "PART_RESPONSE_TRAILER"];

export function RequestTab({ exchange }: { exchange: Exchange }) {
  const request = exchange.request;
  if (request === null) return <p className="faint">No request was recorded.</p>;
  return (
    <>
      <Query query={request.query} />
      <Headers title="Headers" headers={request.headers} part="PART_REQUEST_HEADER" redactions={exchange.redactions} />
      <BodyView body={request.body} headers={request.headers} full={exchange.full_capture} source={source(exchange, "request")} />
      {request.trailers.length > 0 && <Headers title="Trailers" headers={request.trailers} part="PART_REQUEST_TRAILER" redactions={exchange.redactions} />}
      <Redactions redactions={exchange.redactions} parts={ofRequest} />
    </>
  );
}

export function ResponseTab({ exchange }: { exchange: Exchange }) {
  const response = exchange.response;
  if (response === null) return <p className="faint">No response was sent: the client went away.</p>;
  return (
    <>
      <Headers title="Headers" headers={response.headers} part="PART_RESPONSE_HEADER" redactions={exchange.redactions} />
      <BodyView body={response.body} headers={response.headers} full={exchange.full_capture} source={source(exchange, "response")} />
      {response.trailers.length > 0 && <Headers title="Trailers" headers={response.trailers} part="PART_RESPONSE_TRAILER" redactions={exchange.redactions} />}
      <Redactions redactions={exchange.redactions} parts={ofResponse} />
    </>
  );
}

function source(exchange: Exchange, part: "request" | "response") {
  return { path: `/api/v1/exchanges/${encodeURIComponent(exchange.id)}/${part}_body`, name: `${exchange.id}-${part}` };
}

function Query({ query }: { query: string }) {
  if (query === "") return null;
  return (
    <section>
      <h2>Query</h2>
      <table className="pairs" aria-label="Query parameters"><tbody>
        {[...new URLSearchParams(query)].map(([name, value], i) => <tr key={i}><th scope="row">{name}</th><td><Marked text={value} field={searchField({ part: "PART_REQUEST_QUERY", path: name })} /></td></tr>)}
      </tbody></table>
    </section>
  );
}

interface HeadersProps {
  title: string;
  headers: Header[];
  part: Redaction["part"];
  redactions: Redaction[];
}

function Headers({ title, headers, part, redactions }: HeadersProps) {
  return (
    <section>
      <h2>{title} <span className="faint">{headers.length}</span></h2>
      <table className="pairs" aria-label={title}><tbody>
        {headers.map((h, i) => <tr key={i}><th scope="row">{h.name}</th><td><Value header={h} part={part} redactions={redactions} /></td></tr>)}
      </tbody></table>
    </section>
  );
}

function Value({ header, part, redactions }: { header: Header; part: Redaction["part"]; redactions: Redaction[] }) {
  const field = searchField({ part, path: header.name });
  if (header.redacted_by === "" || header.value.includes("[redacted ")) return <Marked text={header.value} field={field} />;
  const found = redactions.find((r) => r.part === part && r.path.toLowerCase() === header.name.toLowerCase());
  const mark = { rule: header.redacted_by, length: found === undefined ? null : Number(found.length), hash: found?.hash ?? "" };
  return <>{header.value !== "" && <span className="faint">{header.value} </span>}<RedactedChip mark={mark} field={found === undefined ? undefined : field} /></>;
}
