import { useEffect, useRef } from "react";

export type Bindings = Record<string, (e: KeyboardEvent) => void>;

// typing: keys belong to the field that has the focus.
function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) || target.closest("dialog") !== null;
}

// useKeys binds single keys while the page has the focus, and no field has.
export function useKeys(bindings: Bindings) {
  const latest = useRef(bindings);
  useEffect(() => {
    latest.current = bindings;
  });
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || typing(e.target)) return;
      // Enter on a link or button is the browser's.
      if (e.key === "Enter" && e.target instanceof HTMLElement && ["A", "BUTTON"].includes(e.target.tagName)) return;
      const run = latest.current[e.key];
      if (run === undefined) return;
      e.preventDefault();
      run(e);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}
