import { EditorState, Prec, type Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { useEffect, useRef } from "react";

// nonce lets CodeMirror write its styles under the Content-Security-Policy.
const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content ?? "";

interface Props {
  value: string;
  onChange: (value: string) => void;
  extensions: Extension;
  label: string;
  className?: string;
  testid?: string;
  onView?: (view: EditorView) => void;
  // Enter does this, if it returns true.
  onEnter?: (view: EditorView) => boolean;
}

// Editor is CodeMirror with the given extensions, which must not change.
export function Editor({ value, onChange, extensions, label, className, testid, onView, onEnter }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef({ onChange, value, extensions, label, onView, onEnter });
  useEffect(() => {
    latest.current = { ...latest.current, onChange, onEnter };
  });

  useEffect(() => {
    const { value, extensions, label, onView } = latest.current;
    const created = new EditorView({
      parent: host.current ?? undefined,
      state: EditorState.create({
        doc: value,
        extensions: [
          EditorView.cspNonce.of(nonce),
          EditorView.contentAttributes.of({ "aria-label": label }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
          Prec.highest(keymap.of([{ key: "Enter", run: (v) => latest.current.onEnter?.(v) ?? false }])),
          extensions,
        ],
      }),
    });
    view.current = created;
    onView?.(created);
    return () => created.destroy();
  }, []);

  useEffect(() => {
    const v = view.current;
    if (v === null || v.state.doc.toString() === value) return;
    v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: value } });
  }, [value]);

  return <div ref={host} className={`editor ${className ?? ""}`} data-testid={testid} />;
}
