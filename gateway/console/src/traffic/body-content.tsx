import { useMemo, type ReactNode } from "react";
import { asText, hexDump, toBase64 } from "../format/bytes";
import { boundaryOf, partsOf } from "../format/multipart";
import { bytesText } from "../format/numbers";
import { prettyXml, xmlProblem } from "../format/xml";
import { JsonText, JsonTree } from "./json-tree-view";
import { bodyKind, type BodyKind, type View } from "./message";
import { Marked } from "./redacted";

interface Props {
  view: View;
  kind: BodyKind;
  bytes: Uint8Array<ArrayBuffer>;
  type: string;
  truncated: boolean;
}

const hexLimit = 256 << 10;

// BodyContent draws bytes in one of the ways that their kind has.
export function BodyContent({ view, kind, bytes, type, truncated }: Props): ReactNode {
  const text = asText(bytes, truncated);
  if (view === "image") return <Picture bytes={bytes} type={type} />;
  if (view === "parts") return <Parts bytes={bytes} type={type} truncated={truncated} />;
  if (view === "hex" || text === null) return <Hex bytes={bytes} />;
  if (view === "tree") return <JsonTree text={text} truncated={truncated} />;
  if (view === "fields") return <Fields text={text} />;
  if (view === "preview") return <Preview text={text} />;
  if (view === "pretty") return kind === "json" ? <JsonText text={text} truncated={truncated} /> : <Xml text={text} truncated={truncated} />;
  return <pre className="body"><Marked text={text} /></pre>;
}

function Hex({ bytes }: { bytes: Uint8Array }) {
  return (
    <>
      <pre className="body hex">{hexDump(bytes.subarray(0, hexLimit))}</pre>
      {bytes.length > hexLimit && <p className="note">The first {bytesText(hexLimit)} of {bytesText(bytes.length)}. Download the body to see all of it.</p>}
    </>
  );
}

function Fields({ text }: { text: string }) {
  return (
    <table className="pairs" aria-label="Form"><tbody>
      {[...new URLSearchParams(text)].map(([name, value], i) => <tr key={i}><th scope="row">{name}</th><td><Marked text={value} /></td></tr>)}
    </tbody></table>
  );
}

function Xml({ text, truncated }: { text: string; truncated: boolean }) {
  const [pretty, problem] = useMemo(() => [prettyXml(text), truncated ? "" : xmlProblem(text)], [text, truncated]);
  return (
    <>
      {problem !== "" && <p className="note">This is not valid XML: {problem}</p>}
      <pre className="body"><Marked text={pretty} /></pre>
    </>
  );
}

// Preview shows HTML without what it could do: no scripts, no styles from elsewhere,
// no requests. The frame has no origin, and the console's policy holds in it, too.
function Preview({ text }: { text: string }) {
  return (
    <>
      <p className="hint">Without scripts, styles and anything from elsewhere.</p>
      <iframe className="body-preview" sandbox="" referrerPolicy="no-referrer" srcDoc={text} title="Preview of the body" />
    </>
  );
}

function Parts({ bytes, type, truncated }: { bytes: Uint8Array<ArrayBuffer>; type: string; truncated: boolean }) {
  const parts = useMemo(() => partsOf(bytes, boundaryOf(type)), [bytes, type]);
  if (parts.length === 0) return <p className="note">No part was found in it.</p>;
  return parts.map((p, i) => {
    const partType = p.headers.find((h) => h.name.toLowerCase() === "content-type")?.value ?? "";
    const kind = bodyKind(partType, p.bytes, truncated);
    return (
      <details key={i} className="part" open={parts.length <= 8}>
        <summary><b>{p.name || `Part ${i + 1}`}</b> {p.file !== "" && <code>{p.file}</code>} <span className="faint">{partType} {bytesText(p.bytes.length)}</span></summary>
        <BodyContent view={kind === "image" ? "image" : kind === "json" ? "tree" : kind === "binary" ? "hex" : "sent"} kind={kind} bytes={p.bytes} type={partType} truncated={truncated} />
      </details>
    );
  });
}

function Picture({ bytes, type }: { bytes: Uint8Array; type: string }) {
  const source = useMemo(() => `data:${type.split(";")[0]};base64,${toBase64(bytes)}`, [bytes, type]);
  return <img className="body-image" src={source} alt="The body" />;
}
