import { useEffect, useRef, type ReactNode } from "react";
import { Button } from "./button";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  actions?: ReactNode;
  wide?: boolean;
}

// Dialog is modal: the browser keeps the focus in it and closes it with Escape.
export function Dialog({ title, onClose, children, actions, wide = false }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog === null || dialog.open) return;
    dialog.showModal();
    dialog.querySelector<HTMLElement>("[data-first], .dialog-body :is(input, select, textarea)")?.focus();
  }, []);
  return (
    <dialog
      ref={ref} className={wide ? "wide" : ""} aria-label={title}
      onCancel={(e) => { e.preventDefault(); onClose(); }}
      onKeyDown={(e) => e.stopPropagation()}
    >
      <header>
        <h2>{title}</h2>
        <Button kind="quiet" aria-label="Close" onClick={onClose}>✕</Button>
      </header>
      <div className="dialog-body">{children}</div>
      {actions !== undefined && <footer>{actions}</footer>}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  action: string;
  onConfirm: () => void;
  onClose: () => void;
  busy?: boolean;
  kind?: "danger" | "primary";
  children: ReactNode;
}

export function Confirm({ title, action, onConfirm, onClose, busy, kind = "danger", children }: ConfirmProps) {
  const actions = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button kind={kind} busy={busy} onClick={onConfirm} data-first="">{action}</Button>
    </>
  );
  return <Dialog title={title} onClose={onClose} actions={actions}>{children}</Dialog>;
}
