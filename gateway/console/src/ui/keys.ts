import { useEffect, useRef } from "react";

export type Bindings = Record<string, (e: KeyboardEvent) => void>;

// typing: keys belong to the field that has the focus.
function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) || target.closest("dialog") !== null;
}

// Keys that wait for a second one, as in "g t".
const prefixes = new Set(["g"]);
const patience = 1000;
const bound = new Set<{ current: Bindings }>();
let prefix = { key: "", until: 0 };

function onKey(e: KeyboardEvent) {
  if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || typing(e.target)) return;
  // Enter on a link or button is the browser's.
  if (e.key === "Enter" && e.target instanceof HTMLElement && ["A", "BUTTON", "SUMMARY"].includes(e.target.tagName)) return;
  const name = e.timeStamp < prefix.until ? `${prefix.key} ${e.key}` : e.key;
  prefix = prefixes.has(name) ? { key: name, until: e.timeStamp + patience } : { key: "", until: 0 };
  for (const bindings of bound) {
    const run = bindings.current[name];
    if (run === undefined) continue;
    e.preventDefault();
    run(e);
    return;
  }
}

// useKeys binds keys, such as "j" or "g t", while the page has the focus, and no field
// has.
export function useKeys(bindings: Bindings) {
  const latest = useRef(bindings);
  useEffect(() => {
    latest.current = bindings;
  });
  useEffect(() => {
    if (bound.size === 0) document.addEventListener("keydown", onKey);
    bound.add(latest);
    return () => {
      bound.delete(latest);
      if (bound.size === 0) document.removeEventListener("keydown", onKey);
    };
  }, []);
}
