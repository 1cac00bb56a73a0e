import type { KeyboardEvent } from "react";

interface Props<T extends string> {
  tabs: { id: T; label: string }[];
  current: T;
  onChange: (id: T) => void;
  label: string;
}

// Tabs are the list of tabs (WAI-ARIA tabs pattern); the panel is the caller's.
export function Tabs<T extends string>({ tabs, current, onChange, label }: Props<T>) {
  const move = (e: KeyboardEvent) => {
    const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    e.preventDefault();
    const at = tabs.findIndex((t) => t.id === current);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (next === undefined) return;
    onChange(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map((t) => (
        <button
          key={t.id} id={`tab-${t.id}`} type="button" role="tab" aria-selected={t.id === current}
          tabIndex={t.id === current ? 0 : -1} onClick={() => onChange(t.id)}
        >
          {t.label}
        </button>
      ))}
    </div>
  );
}
