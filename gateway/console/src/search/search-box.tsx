import { acceptCompletion, autocompletion, closeCompletion, completionKeymap, completionStatus, moveCompletionSelection } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, keymap, placeholder } from "@codemirror/view";
import { useEffect, useRef, useState } from "react";
import { Editor } from "../ui/editor";
import { complete } from "./complete";
import type { Fault } from "./position";
import { useCheck } from "./use-check";

interface Marks {
  fault: Fault | null;
  unknown: Fault[];
}

const mark = StateEffect.define<Marks>();

// faults underlines what the server refused, and fields that it does not know, until
// the text changes.
const faults = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = transaction.docChanged ? Decoration.none : marks;
    for (const e of transaction.effects) {
      if (!e.is(mark)) continue;
      next = Decoration.set([
        ...(e.value.fault === null ? [] : [{ fault: e.value.fault, id: "search-fault" }]), ...e.value.unknown.map((fault) => ({ fault, id: "search-unknown" })),
      ].filter(({ fault: f }) => f.to > f.from && f.to <= transaction.state.doc.length)
        .map(({ fault: f, id }) => Decoration.mark({ class: id, attributes: { "data-testid": id, title: f.message } }).range(f.from, f.to)), true);
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
  one, faults, history(), autocompletion({ override: [complete], icons: false, selectOnOpen: false, interactionDelay: 0 }), placeholder("status:5xx method:POST path:/api/* duration:>500ms"),
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
  const check = useCheck(text);
  const shownFault = check.fault ?? (text === value ? fault : null);
  const unknown = check.unknown;
  useEffect(() => {
    view.current?.dispatch({ effects: mark.of({ fault: shownFault, unknown }) });
  }, [shownFault, unknown]);

  return (
    <div className="search">
      <Editor
        className="search-box" testid="search-box" label={label} value={text} onChange={(t) => { setText(t); onChange?.(t); }} extensions={extensions}
        onEnter={(v) => enter(v, (filter) => onSubmit?.(filter))}
        onView={(v) => { view.current = v; onReady?.(() => v.focus()); }}
      />
      {shownFault !== null && (
        <div className="search-problem" role="alert" data-testid="search-problem">
          {shownFault.message}{shownFault.hint !== "" && <span className="hint"> {shownFault.hint}</span>}
        </div>
      )}
      {unknown.map((u) => <div key={u.from} className="search-note" data-testid="search-note">{u.message} {u.hint}</div>)}
      {check.hints.map((h) => <div key={h} className="search-note" data-testid="search-note">{h}</div>)}
    </div>
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
