import { acceptCompletion, autocompletion, closeCompletion, completionKeymap, completionStatus, moveCompletionSelection } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, keymap, placeholder } from "@codemirror/view";
import { useEffect, useRef, useState } from "react";
import { Editor } from "../ui/editor";
import { complete } from "./complete";
import type { Fault } from "./position";

const mark = StateEffect.define<Fault | null>();

// faults underlines what the server refused, until the text changes.
const faults = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = transaction.docChanged ? Decoration.none : marks;
    for (const e of transaction.effects) {
      if (!e.is(mark)) continue;
      const f = e.value;
      const valid = f !== null && f.to > f.from && f.to <= transaction.state.doc.length;
      next = valid ? Decoration.set(Decoration.mark({ class: "search-fault", attributes: { "data-testid": "search-fault" } }).range(f.from, f.to)) : Decoration.none;
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// one keeps the box on one line: line breaks become spaces.
const one = EditorState.transactionFilter.of((tr) => {
  if (!tr.docChanged || tr.newDoc.lines === 1) return tr;
  return [{ changes: { from: 0, to: tr.startState.doc.length, insert: tr.newDoc.toString().replace(/\s*\n\s*/g, " ").trim() }, selection: undefined }];
});

const extensions = [
  one, faults, history(), autocompletion({ override: [complete], icons: false, selectOnOpen: false }), placeholder("status:5xx method:POST path:/api/* duration:>500ms"),
  Prec.highest(keymap.of([
    { key: "Tab", run: accept },
    { key: "Escape", run: (v) => closeCompletion(v) || (v.contentDOM.blur(), true) },
  ])),
  keymap.of([...completionKeymap, ...historyKeymap, ...defaultKeymap]),
];

interface Props {
  value: string;
  onSubmit?: (filter: string) => void;
  // Called with each change, for forms.
  onChange?: (filter: string) => void;
  fault: Fault | null;
  // Called with a function that focuses the box.
  onReady?: (focus: () => void) => void;
  label?: string;
}

// SearchBox edits a filter: completion of fields, and the server's objections
// where they belong.
export function SearchBox({ value, onSubmit, onChange, fault, onReady, label = "Search" }: Props) {
  const [text, setText] = useState(value);
  const [shown, setShown] = useState(value);
  const view = useRef<EditorView>(null);
  if (shown !== value) {
    setShown(value);
    setText(value);
  }
  useEffect(() => {
    view.current?.dispatch({ effects: mark.of(fault) });
  }, [fault]);

  return (
    <Editor
      className="search-box" testid="search-box" label={label} value={text} onChange={(t) => { setText(t); onChange?.(t); }} extensions={extensions}
      onEnter={(v) => enter(v, (filter) => onSubmit?.(filter))}
      onView={(v) => { view.current = v; onReady?.(() => v.focus()); }}
    />
  );
}

// accept takes the selected completion, or the first when none is selected.
function accept(view: EditorView): boolean {
  if (completionStatus(view.state) !== "active") return false;
  return acceptCompletion(view) || (moveCompletionSelection(true)(view) && acceptCompletion(view));
}

function enter(view: EditorView, submit: (filter: string) => void): boolean {
  if (completionStatus(view.state) === "active" && acceptCompletion(view)) return true;
  closeCompletion(view);
  submit(view.state.doc.toString().trim());
  return true;
}
