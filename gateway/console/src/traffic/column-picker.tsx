import { Button } from "../ui/button";
import { Popover } from "../ui/popover";
import { columns as all, moved, usual, type Column } from "./columns";

interface Props {
  columns: Column[];
  // null takes the usual ones.
  onChange: (ids: string[] | null) => void;
}

// ColumnPicker chooses the columns of the list and their order.
export function ColumnPicker({ columns, onChange }: Props) {
  const ids = columns.map((c) => c.id);
  const rest = all.filter((c) => !ids.includes(c.id));
  return (
    <Popover label="Columns" name="Columns" align="end" testid="column-picker">
      {() => (
        <div className="column-picker">
          <ul>
            {columns.map((c, i) => (
              <li key={c.id}>
                <label><input type="checkbox" checked disabled={ids.length === 1} onChange={() => onChange(ids.filter((id) => id !== c.id))} /> {c.label}</label>
                <Button kind="quiet" aria-label={`Move ${c.label} up`} disabled={i === 0} onClick={() => onChange(moved(ids, c.id, ids[i - 1] ?? ""))}>↑</Button>
                <Button kind="quiet" aria-label={`Move ${c.label} down`} disabled={i === ids.length - 1} onClick={() => onChange(moved(ids, c.id, ids[i + 1] ?? ""))}>↓</Button>
              </li>
            ))}
          </ul>
          <ul>
            {rest.map((c) => <li key={c.id}><label><input type="checkbox" checked={false} onChange={() => onChange([...ids, c.id])} /> {c.label}</label></li>)}
          </ul>
          {ids.join() !== usual.join() && <Button onClick={() => onChange(null)}>The usual columns</Button>}
        </div>
      )}
    </Popover>
  );
}
