import { Link } from "react-router";
import type { Redaction } from "../api/types";
import { bytesText } from "../format/numbers";

export interface Mark {
  rule: string;
  // Bytes of the value as sent; null where only the rule is known.
  length: number | null;
  hash: string;
}

const pattern = /\[redacted ([a-z][\w-]*) (\d+) ([0-9a-f]{8,64})\]/g;

// marksIn splits a text at the marks that redaction left in it.
export function marksIn(text: string): (string | Mark)[] {
  const out: (string | Mark)[] = [];
  let at = 0;
  for (const m of text.matchAll(pattern)) {
    if (m.index > at) out.push(text.slice(at, m.index));
    out.push({ rule: m[1] ?? "", length: Number(m[2]), hash: m[3] ?? "" });
    at = m.index + m[0].length;
  }
  if (at < text.length) out.push(text.slice(at));
  return out;
}

// sameHash is the search for what had the same value. Redacted parts of bodies never
// match a search; there, the rule is what can be searched for.
export function sameHash(mark: Mark, field?: string): string {
  return field !== undefined && mark.hash !== "" ? `${field}:*${mark.hash}*` : `redacted_by:${mark.rule}`;
}

interface ChipProps {
  mark: Mark;
  // The field of the search syntax that the value is in.
  field?: string;
}

// RedactedChip stands for a value that redaction removed.
export function RedactedChip({ mark, field }: ChipProps) {
  const filter = sameHash(mark, field);
  const what = filter.startsWith("redacted_by:") ? "Search for what this rule redacted" : "Search for the same value";
  return (
    <Link className="redacted" to={`/traffic?${new URLSearchParams({ filter, range: "24h" })}`} data-testid="redacted"
      title={`The rule ${mark.rule} replaced this value before it was recorded.${mark.hash === "" ? "" : `\nEqual values have the hash ${mark.hash}.`}\n${what}.`}>
      {mark.rule}{mark.length !== null && <> · {bytesText(mark.length)}</>}{mark.hash !== "" && <> · {mark.hash.slice(0, 8)}</>}
    </Link>
  );
}

// Marked is a text with chips where values were redacted.
export function Marked({ text, field }: { text: string; field?: string }) {
  if (!text.includes("[redacted ")) return text;
  return <>{marksIn(text).map((part, i) => (typeof part === "string" ? part : <RedactedChip key={i} mark={part} field={field} />))}</>;
}

const places: Record<Redaction["part"], string> = {
  PART_UNSPECIFIED: "", PART_REQUEST_HEADER: "request header", PART_REQUEST_QUERY: "query parameter", PART_REQUEST_BODY: "request body", PART_RESPONSE_HEADER: "response header",
  PART_RESPONSE_BODY: "response body", PART_MESSAGE: "message", PART_REQUEST_TRAILER: "request trailer", PART_RESPONSE_TRAILER: "response trailer",
};

// searchField is where the search syntax finds a redacted value; undefined in bodies.
export function searchField(r: Pick<Redaction, "part" | "path">): string | undefined {
  if (r.path === "" || !/^[\w.-]+$/.test(r.path)) return undefined;
  if (r.part === "PART_REQUEST_HEADER") return `header.${r.path.toLowerCase()}`;
  if (r.part === "PART_RESPONSE_HEADER") return `resheader.${r.path.toLowerCase()}`;
  return r.part === "PART_REQUEST_QUERY" ? `query.${r.path}` : undefined;
}

// Redactions lists what was replaced in an exchange, in the parts named.
export function Redactions({ redactions, parts }: { redactions: Redaction[]; parts: Redaction["part"][] }) {
  const shown = redactions.filter((r) => parts.includes(r.part));
  if (shown.length === 0) return null;
  return (
    <section data-testid="redactions">
      <h2>Redacted <span className="faint">{shown.length}</span></h2>
      <table className="pairs" aria-label="Redacted values"><tbody>
        {shown.map((r, i) => (
          <tr key={i}>
            <th scope="row">{r.path || "text"}</th>
            <td><RedactedChip mark={{ rule: r.rule, length: Number(r.length), hash: r.hash }} field={searchField(r)} /> <span className="faint">{r.type}, {places[r.part]}</span></td>
          </tr>
        ))}
      </tbody></table>
    </section>
  );
}
