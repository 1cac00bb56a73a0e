import { closeBrackets } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { PolicyProblem } from "../api/types";
import { Badge } from "../ui/badge";
import { Editor } from "../ui/editor";
import { diagnosticOf, offsetOf } from "./problems";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], class: "code-key" },
  { tag: [tags.string, tags.content], class: "code-string" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword, tags.atom], class: "code-word" },
  { tag: tags.comment, class: "code-comment" },
  { tag: [tags.punctuation, tags.separator], class: "code-mark" },
]);

const extensions = [
  lineNumbers(), lintGutter(), history(), drawSelection(), indentOnInput(), indentUnit.of("  "), bracketMatching(), closeBrackets(),
  highlightActiveLine(), highlightSelectionMatches(), yaml(), syntaxHighlighting(colours), EditorView.lineWrapping,
  // Escape first, then Tab, leaves the editor by keyboard.
  keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab]),
];

interface Props {
  value: string;
  onChange: (value: string) => void;
  problems: PolicyProblem[];
  checking: boolean;
}

// PolicyEditor edits a Traffic Policy and shows its problems where they are.
export function PolicyEditor({ value, onChange, problems, checking }: Props) {
  const view = useRef<EditorView>(null);
  useEffect(() => {
    const v = view.current;
    if (v !== null) v.dispatch(setDiagnostics(v.state, problems.map((p) => diagnosticOf(v.state.doc, p))));
  }, [problems]);
  const show = (p: PolicyProblem) => {
    const v = view.current;
    if (v === null) return;
    v.dispatch({ selection: { anchor: offsetOf(v.state.doc, p.line, p.column) }, scrollIntoView: true });
    v.focus();
  };
  return (
    <div className="policy-editor">
      <Editor className="code" testid="policy-editor" label="Traffic Policy" value={value} onChange={onChange} extensions={extensions} onView={(v) => { view.current = v; }} />
      <div className="policy-problems" aria-live="polite" data-testid="policy-problems">
        {problems.length === 0 ? (
          <p className="faint">{checking ? "Checking…" : value.trim() === "" ? "No policy: every request goes to the upstream." : "No problems."}</p>
        ) : (
          <ul>
            {problems.map((p, i) => (
              <li key={i}>
                <button type="button" onClick={() => show(p)} data-testid="policy-problem">
                  <Badge tone={p.severity === "SEVERITY_WARNING" ? "warn" : "bad"}>{p.line}:{p.column}</Badge>
                  <span>{p.message} {p.hint !== "" && <span className="hint">{p.hint}</span>}</span>
                  <code className="faint">{p.code}</code>
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
