import { useMemo, useState } from "react";
import { prettyJson } from "../format/json";
import { jsonTree, type Node } from "../format/json-tree";
import { Marked } from "./redacted";

// JsonTree folds and unfolds JSON. What is not JSON, or too long for a page, is shown
// as text.
export function JsonTree({ text, truncated }: { text: string; truncated: boolean }) {
  const tree = useMemo(() => jsonTree(text), [text]);
  if (tree === null) return <JsonText text={text} truncated={truncated} />;
  return <div className="body tree mono" role="group" aria-label="JSON"><Branch node={tree} depth={0} last /></div>;
}

function Branch({ node, depth, last }: { node: Node; depth: number; last: boolean }) {
  // Long lists begin folded: who wants them opens them.
  const [open, setOpen] = useState(depth === 0 || (depth < 4 && node.items.length <= 100));
  const name = node.key === null ? null : <><span className="json-key">{node.key}</span>: </>;
  const comma = last ? "" : ",";
  if (node.kind === "leaf") return <div className="leaf">{name}<Leaf text={node.text} />{comma}</div>;
  const [start, end] = node.kind === "object" ? ["{", "}"] : ["[", "]"];
  if (node.items.length === 0) return <div className="leaf">{name}{start}{end}{comma}</div>;
  return (
    <details open={open} onToggle={(e) => { e.stopPropagation(); if (e.target === e.currentTarget) setOpen(e.currentTarget.open); }}>
      <summary>{name}{start}<span className="folded faint"> {node.items.length} {node.kind === "object" ? (node.items.length === 1 ? "field" : "fields") : node.items.length === 1 ? "item" : "items"} {end}{comma}</span></summary>
      <div className="branch">{node.items.map((item, i) => <Branch key={i} node={item} depth={depth + 1} last={i === node.items.length - 1} />)}</div>
      <div className="leaf">{end}{comma}</div>
    </details>
  );
}

function Leaf({ text }: { text: string }) {
  const kind = text.startsWith('"') ? "string" : /^-?\d/.test(text) ? "number" : "word";
  return <span className={`json-${kind}`}><Marked text={text} /></span>;
}

// JsonText is JSON with line breaks, and why it is none.
export function JsonText({ text, truncated }: { text: string; truncated: boolean }) {
  const { tokens, problem } = useMemo(() => prettyJson(text), [text]);
  return (
    <>
      {problem !== "" && !truncated && <p className="note">This is not valid JSON: {problem}</p>}
      <pre className="body json">{tokens.map((t, i) => (t.kind === "text" ? <Marked key={i} text={t.text} /> : <span key={i} className={`json-${t.kind}`}><Marked text={t.text} /></span>))}</pre>
    </>
  );
}
