import { useEffect, useMemo, useRef, useState } from "react";
import { Link } from "react-router";
import { fetched, messageOf } from "../api/client";
import type { Body, Header } from "../api/types";
import { asText, decoded, hexDump } from "../format/bytes";
import { bytesText } from "../format/numbers";
import { Button, CopyButton } from "../ui/button";
import { BodyContent } from "./body-content";
import { save } from "./export";
import { Find } from "./find";
import { bodyBytes, bodyKind, headerValue, viewsOf, type View } from "./message";

interface Source {
  path: string;
  name: string;
}

interface Props {
  body: Body | null;
  headers: Header[];
  full: boolean;
  // Where the whole stored body can be read, and what the file is called.
  source?: Source;
}

const labels: Record<View, string> = { tree: "Tree", pretty: "Pretty", fields: "Fields", parts: "Parts", preview: "Preview", image: "Image", sent: "As sent", hex: "Hex" };
// More than this is downloaded, not shown.
const showable = 4 << 20;

// BodyView shows what was kept of a body, by its type.
export function BodyView({ body, headers, full, source }: Props) {
  const size = Number(body?.size ?? 0);
  const stored = Number(body?.stored_size ?? 0);
  const kept = useMemo(() => bodyBytes(body), [body]);
  const [whole, setWhole] = useState<Uint8Array<ArrayBuffer> | null>(null);
  const raw = whole ?? kept;
  const coding = headerValue(headers, "content-encoding");
  const [packed, setPacked] = useState(false);
  const undone = useDecoded(raw, coding);
  const [chosen, setChosen] = useState<View | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const coded = coding !== "" && coding.toLowerCase() !== "identity";
  const bytes = packed ? raw : (undone ?? raw);
  const truncated = raw.length < size && !(coded && undone === null);
  if (size === 0 && raw.length === 0) return <section><h2>Body</h2><p className="faint">Empty.</p></section>;
  if (raw.length === 0 && stored === 0) return <section><h2>Body <span className="faint">{bytesText(size)}</span></h2><NotKept full={full} /></section>;
  const type = headerValue(headers, "content-type");
  const kind = coded && (packed || undone === null) ? "binary" : bodyKind(type, bytes, truncated);
  const views = viewsOf(kind);
  const view = chosen !== null && views.includes(chosen) ? chosen : (views[0] ?? "hex");
  return (
    <section data-testid="body">
      <div className="body-head">
        <h2>Body <span className="faint">{bytesText(size)} {type}{coded && ` · ${coding}`}{coded && undone !== null && ` · ${bytesText(undone.length)} decoded`}</span></h2>
        <Find within={place} shown={`${view}${bytes.length}${packed}`} />
      </div>
      <div className="body-tools">
        <div className="choice" role="group" aria-label="View">
          {views.map((v) => <button key={v} type="button" aria-pressed={v === view} onClick={() => setChosen(v)}>{labels[v]}</button>)}
        </div>
        {coded && undone !== null && <label><input type="checkbox" checked={!packed} onChange={(e) => setPacked(!e.target.checked)} /> Decoded</label>}
        <CopyButton kind="quiet" text={() => asText(bytes, true) ?? hexDump(bytes)}>Copy</CopyButton>
        {source !== undefined && <Stored source={source} stored={stored} shown={raw.length} onWhole={setWhole} />}
      </div>
      {raw.length < size && (
        <p className="note" data-testid="truncated">
          {stored > raw.length ? `Shown are the first ${bytesText(raw.length)} of ${bytesText(stored)} that were kept.` : `Only the first ${bytesText(raw.length)} of ${bytesText(size)} were kept.`}
          {stored > raw.length && stored < size && ` The body had ${bytesText(size)}.`}
        </p>
      )}
      {coded && undone === null && <p className="note">The content coding {coding} cannot be undone here. Download the body to decode it.</p>}
      <div ref={place} data-testid="body-content"><BodyContent view={view} kind={kind} bytes={bytes} type={type} truncated={truncated} /></div>
    </section>
  );
}

// Stored downloads the whole stored body, or shows it when a page can.
function Stored({ source, stored, shown, onWhole }: { source: Source; stored: number; shown: number; onWhole: (bytes: Uint8Array<ArrayBuffer>) => void }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const read = async (then: (response: Response) => Promise<void>) => {
    setBusy(true);
    setProblem("");
    try {
      await then(await fetched(source.path));
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  if (stored === 0) return null;
  return (
    <>
      <Button kind="quiet" busy={busy} onClick={() => void read(async (r) => save(await r.blob(), source.name))}>Download {bytesText(stored)}</Button>
      {stored > shown && stored <= showable && <Button kind="quiet" busy={busy} onClick={() => void read(async (r) => onWhole(new Uint8Array(await r.arrayBuffer())))}>Show all</Button>}
      {problem !== "" && <span className="bad" role="alert">{problem}</span>}
    </>
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
