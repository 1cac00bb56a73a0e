import type { Text } from "@codemirror/state";
import type { Diagnostic } from "@codemirror/lint";
import type { PolicyProblem } from "../api/types";

// offsetOf is the position in the text of a line and column, both 1-based; places
// outside are moved to the nearest inside.
export function offsetOf(doc: Text, line: number, column: number): number {
  const l = doc.line(Math.max(1, Math.min(line, doc.lines)));
  let at = l.from;
  for (const char of l.text) {
    if (--column < 1) break;
    at += char.length;
  }
  return Math.min(at, l.to);
}

// diagnosticOf marks the word at the problem's place.
export function diagnosticOf(doc: Text, p: PolicyProblem): Diagnostic {
  const from = offsetOf(doc, p.line, p.column);
  const rest = doc.lineAt(from).text.slice(from - doc.lineAt(from).from);
  const word = /^[^\s:,\]}]+/.exec(rest)?.[0].length ?? 0;
  return {
    from,
    to: Math.min(doc.length, from + Math.max(word, from < doc.length ? 1 : 0)),
    severity: p.severity === "SEVERITY_WARNING" ? "warning" : "error",
    message: [p.message, p.hint, p.code].filter((t) => t !== "").join("\n"),
  };
}
