import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { Button } from "./button";

interface Props {
  label: ReactNode;
  // What the panel is called.
  name: string;
  title?: string;
  className?: string;
  align?: "start" | "end";
  testid?: string;
  children: (close: () => void) => ReactNode;
}

// Popover is a button with a panel under it, which Escape, a click elsewhere or
// leaving it by keyboard closes.
export function Popover({ label, name, title, className = "", align = "start", testid, children }: Props) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const id = useId();
  const close = () => setOpen(false);
  useEffect(() => {
    if (!open) return;
    root.current?.querySelector<HTMLElement>(".popover :is(button, input, select, a)")?.focus();
    const away = (e: Event) => { if (e.target instanceof Node && root.current?.contains(e.target) === false) setOpen(false); };
    document.addEventListener("pointerdown", away);
    document.addEventListener("focusin", away);
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("focusin", away);
    };
  }, [open]);
  const onKeyDown = (e: React.KeyboardEvent) => {
    if (e.key !== "Escape" || !open) return;
    e.stopPropagation();
    e.preventDefault();
    setOpen(false);
    root.current?.querySelector<HTMLElement>("button")?.focus();
  };
  return (
    <div className="popover-root" ref={root} onKeyDown={onKeyDown}>
      <Button className={className} title={title} aria-haspopup="dialog" aria-expanded={open} aria-controls={open ? id : undefined} onClick={() => setOpen(!open)} data-testid={testid}>
        {label}<span className="caret" aria-hidden="true">▾</span>
      </Button>
      {open && <div className={`popover ${align}`} id={id} role="dialog" aria-label={name}>{children(close)}</div>}
    </div>
  );
}
