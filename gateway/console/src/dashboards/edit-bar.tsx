import type { Widget } from "../api/types";
import { Button } from "../ui/button";
import { resized, shifted } from "./layout";

interface Props {
  widget: Widget;
  onChange: (w: Widget) => void;
  onEdit: () => void;
  onRemove: () => void;
}

// EditBar changes the place and size of one widget of a board.
export function EditBar({ widget: w, onChange, onEdit, onRemove }: Props) {
  const button = (text: string, what: string, next: Widget) => <Button kind="quiet" aria-label={`${what}: ${w.title}`} title={what} onClick={() => onChange(next)}>{text}</Button>;
  return (
    <div className="edit-bar" role="group" aria-label={`Edit ${w.title}`}>
      <Button kind="quiet" onClick={onEdit}>Edit…</Button>
      {button("←", "Move left", shifted(w, -1, 0))}{button("→", "Move right", shifted(w, 1, 0))}{button("↑", "Move up", shifted(w, 0, -1))}{button("↓", "Move down", shifted(w, 0, 1))}
      {button("⇤", "Narrower", resized(w, -1, 0))}{button("⇥", "Wider", resized(w, 1, 0))}{button("⤒", "Lower", resized(w, 0, -1))}{button("⤓", "Higher", resized(w, 0, 1))}
      <Button kind="quiet" aria-label={`Remove ${w.title}`} onClick={onRemove}>✕</Button>
    </div>
  );
}
