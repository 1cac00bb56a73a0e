import { useEffect, useMemo, useState, type ReactNode } from "react";
import { Link } from "react-router";
import type { Body, Header } from "../api/types";
import { asText, decoded, hexDump, toBase64 } from "../format/bytes";
import { prettyJson } from "../format/json";
import { bytesText } from "../format/numbers";
import { CopyButton } from "../ui/button";
import { bodyBytes, bodyKind, headerValue, type BodyKind } from "./message";

interface Props {
  body: Body | null;
  headers: Header[];
  full: boolean;
}

// BodyView shows what was kept of a body, by its type.
export function BodyView({ body, headers, full }: Props) {
  const size = Number(body?.size ?? 0);
  const raw = useMemo(() => bodyBytes(body), [body]);
  const coding = headerValue(headers, "content-encoding");
  const bytes = useDecoded(raw, coding);
  const [source, setSource] = useState(false);
  const truncated = body?.truncated === true;
  if (size === 0 && raw.length === 0) return <section><h2>Body</h2><p className="faint">Empty.</p></section>;
  if (raw.length === 0) return <section><h2>Body <span className="faint">{bytesText(size)}</span></h2><NotKept full={full} /></section>;
  const type = headerValue(headers, "content-type");
  const kind = bytes === null ? "binary" : bodyKind(type, bytes, truncated);
  return (
    <section data-testid="body">
      <div className="body-head">
        <h2>Body <span className="faint">{bytesText(size)} {type}</span></h2>
        {kind !== "binary" && kind !== "text" && <label><input type="checkbox" checked={source} onChange={(e) => setSource(e.target.checked)} /> Source</label>}
        <CopyButton kind="quiet" text={() => asText(bytes ?? raw, true) ?? hexDump(raw)}>Copy</CopyButton>
      </div>
      {truncated && <p className="note" data-testid="truncated">Only the first {bytesText(raw.length)} of {bytesText(size)} were kept.</p>}
      {bytes === null && <p className="note">The content coding {coding} cannot be undone here.</p>}
      <Content kind={source && kind !== "image" ? "text" : kind} bytes={bytes ?? raw} type={type} truncated={truncated} />
    </section>
  );
}

// useDecoded is the content without its coding; null when that cannot be had.
function useDecoded(raw: Uint8Array<ArrayBuffer>, coding: string): Uint8Array<ArrayBuffer> | null {
  const [result, setResult] = useState<{ raw: Uint8Array; bytes: Uint8Array<ArrayBuffer> | null } | null>(null);
  const coded = coding !== "" && coding.toLowerCase() !== "identity";
  useEffect(() => {
    if (!coded) return;
    let current = true;
    void decoded(raw, coding).then((bytes) => { if (current) setResult({ raw, bytes }); });
    return () => { current = false; };
  }, [raw, coding, coded]);
  if (!coded) return raw;
  return result?.raw === raw ? result.bytes : null;
}

function NotKept({ full }: { full: boolean }) {
  if (full) return <p className="faint">The body was not kept.</p>;
  return <p className="faint">Bodies are not recorded in metadata mode. <Link to="/settings">Record them from now on</Link>.</p>;
}

function Content({ kind, bytes, type, truncated }: { kind: BodyKind; bytes: Uint8Array<ArrayBuffer>; type: string; truncated: boolean }): ReactNode {
  const text = asText(bytes, truncated);
  if (kind === "image") return <Picture bytes={bytes} type={type} />;
  if (kind === "binary" || text === null) return <pre className="body hex">{hexDump(bytes)}</pre>;
  if (kind === "json") return <Json text={text} truncated={truncated} />;
  if (kind === "form") {
    return (
      <table className="pairs" aria-label="Form"><tbody>
        {[...new URLSearchParams(text)].map(([name, value], i) => <tr key={i}><th scope="row">{name}</th><td>{value}</td></tr>)}
      </tbody></table>
    );
  }
  return <pre className="body">{text}</pre>;
}

function Json({ text, truncated }: { text: string; truncated: boolean }) {
  const { tokens, problem } = useMemo(() => prettyJson(text), [text]);
  return (
    <>
      {problem !== "" && !truncated && <p className="note">This is not valid JSON: {problem}</p>}
      <pre className="body json">{tokens.map((t, i) => (t.kind === "text" ? t.text : <span key={i} className={`json-${t.kind}`}>{t.text}</span>))}</pre>
    </>
  );
}

function Picture({ bytes, type }: { bytes: Uint8Array; type: string }) {
  const source = useMemo(() => `data:${type.split(";")[0]};base64,${toBase64(bytes)}`, [bytes, type]);
  return <img className="body-image" src={source} alt="The body" />;
}
