import type { ReactNode } from "react";
import { SearchBox } from "./search-box";

interface Props {
  label: string;
  value: string;
  onChange: (filter: string) => void;
  hint?: ReactNode;
}

// FilterField is a search box in a form.
export function FilterField({ label, value, onChange, hint }: Props) {
  return (
    <div className="field">
      <label>{label}</label>
      <SearchBox label={label} value={value} onChange={onChange} onSubmit={onChange} fault={null} />
      {hint !== undefined && <p className="hint">{hint}</p>}
    </div>
  );
}
