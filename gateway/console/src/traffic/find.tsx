import { useEffect, useRef, useState, type RefObject } from "react";
import { Button } from "../ui/button";

const most = 2000;

// rangesOf are the places below an element whose text contains what is looked for,
// in any case.
export function rangesOf(root: Node, wanted: string): Range[] {
  if (wanted === "") return [];
  const text = wanted.toLowerCase();
  const found: Range[] = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null && found.length < most; node = walker.nextNode()) {
    const content = (node.nodeValue ?? "").toLowerCase();
    for (let at = content.indexOf(text); at >= 0 && found.length < most; at = content.indexOf(text, at + text.length)) {
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + text.length);
      found.push(range);
    }
  }
  return found;
}

// Find searches inside what is drawn below an element, and marks what it finds.
export function Find({ within, shown }: { within: RefObject<HTMLElement | null>; shown: unknown }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [count, setCount] = useState(0);
  const ranges = useRef<Range[]>([]);
  useEffect(() => {
    ranges.current = within.current === null ? [] : rangesOf(within.current, text);
    const found = ranges.current.length;
    // The count is of what the page has drawn.
    const frame = requestAnimationFrame(() => { setCount(found); setAt(0); });
    mark("found", ranges.current);
    return () => { cancelAnimationFrame(frame); mark("found", []); mark("found-now", []); };
  }, [text, within, shown]);
  const go = (to: number) => {
    const range = ranges.current[(to + count) % Math.max(1, count)];
    if (range === undefined) return;
    setAt((to + count) % count);
    mark("found-now", [range]);
    reveal(range.startContainer.parentElement);
  };
  return (
    <span className="find">
      <input
        type="search" aria-label="Find in the body" placeholder="Find" value={text} onChange={(e) => setText(e.target.value)}
        onKeyDown={(e) => { if (e.key === "Enter") { e.preventDefault(); go(at + (e.shiftKey ? -1 : count > 0 && isMarked() ? 1 : 0)); } }}
      />
      {text !== "" && <span className="faint number" role="status" data-testid="find-count">{count === 0 ? "none" : `${at + 1}/${count}${count === most ? "+" : ""}`}</span>}
      {count > 1 && text !== "" && <><Button kind="quiet" aria-label="Previous" onClick={() => go(at - 1)}>↑</Button><Button kind="quiet" aria-label="Next" onClick={() => go(at + 1)}>↓</Button></>}
    </span>
  );
}

// The CSS custom highlights of the page; browsers without them only scroll.
function mark(name: string, ranges: Range[]) {
  if (typeof CSS === "undefined" || !("highlights" in CSS)) return;
  if (ranges.length === 0) CSS.highlights.delete(name);
  else CSS.highlights.set(name, new Highlight(...ranges));
}

// reveal unfolds what an element is in, and scrolls to it.
function reveal(element: HTMLElement | null) {
  for (let e = element; e !== null; e = e.parentElement) if (e instanceof HTMLDetailsElement) e.open = true;
  element?.scrollIntoView({ block: "center" });
}

function isMarked(): boolean {
  return typeof CSS !== "undefined" && "highlights" in CSS && CSS.highlights.has("found-now");
}
