import { useState, type FormEvent } from "react";
import type { Widget } from "../api/types";
import { seconds } from "../format/numbers";
import { fields } from "../search/fields";
import { FilterField } from "../search/filter-field";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Select, TextField } from "../ui/field";

const kinds = [
  { value: "WIDGET_KIND_TIMESERIES", label: "Lines over time" }, { value: "WIDGET_KIND_QUERY_VALUE", label: "One number" }, { value: "WIDGET_KIND_TOP_LIST", label: "Greatest groups" },
];
const aggregations = [
  { value: "AGGREGATION_COUNT", label: "count" }, { value: "AGGREGATION_CARDINALITY", label: "different values" }, { value: "AGGREGATION_SUM", label: "sum" }, { value: "AGGREGATION_AVG", label: "mean" },
  { value: "AGGREGATION_MIN", label: "least" }, { value: "AGGREGATION_MAX", label: "greatest" }, { value: "AGGREGATION_PERCENTILE", label: "percentile" },
];
const unitChoices = [{ value: "", label: "none" }, { value: "ns", label: "time (ns)" }, { value: "bytes", label: "bytes" }, { value: "percent", label: "percent" }];

// WidgetForm edits what one widget shows.
export function WidgetForm({ widget, onSave, onClose }: { widget: Widget; onSave: (w: Widget) => void; onClose: () => void }) {
  const [draft, setDraft] = useState(widget);
  const set = (part: Partial<Widget>) => setDraft((d) => ({ ...d, ...part }));
  const submit = (e: FormEvent) => { e.preventDefault(); e.stopPropagation(); onSave(draft); };
  const counts = draft.aggregation === "AGGREGATION_COUNT";
  return (
    <Dialog title={widget.title === "" ? "New widget" : `Edit ${widget.title}`} onClose={onClose} wide>
      <form className="form" onSubmit={submit} aria-label="Widget">
        <datalist id="search-fields">{fields.map((f) => <option key={f.name} value={f.name} />)}</datalist>
        <TextField label="Title" required maxLength={255} value={draft.title} onChange={(e) => set({ title: e.target.value })} />
        <FilterField label="Of exchanges that match" value={draft.filter} onChange={(filter) => set({ filter: filter.trim() })} hint="Empty takes all." />
        <div className="columns">
          <Select label="Shown as" choices={kinds} value={draft.kind} onChange={(e) => set({ kind: e.target.value as Widget["kind"] })} />
          <Select label="What" choices={aggregations} value={draft.aggregation} onChange={(e) => set({ aggregation: e.target.value as Widget["aggregation"] })} />
          {!counts && <TextField label="Of the field" className="mono" required list="search-fields" placeholder="@duration" value={draft.field} onChange={(e) => set({ field: e.target.value.trim() })} />}
          {draft.aggregation === "AGGREGATION_PERCENTILE" && <TextField label="Percentile" type="number" min="0.1" max="99.99" step="any" required value={draft.percentile} onChange={(e) => set({ percentile: Number(e.target.value) })} />}
          {draft.kind !== "WIDGET_KIND_QUERY_VALUE" && <TextField label="Grouped by" className="mono" list="search-fields" required={draft.kind === "WIDGET_KIND_TOP_LIST"} placeholder="@http.status_class" value={draft.group_by.join(", ")} onChange={(e) => set({ group_by: e.target.value.split(/\s*,\s*/).filter((g) => g !== "") })} hint="Up to four fields, with commas." />}
          <Select label="Unit" choices={unitChoices} value={draft.unit} onChange={(e) => set({ unit: e.target.value })} />
          <TextField label="Looks back, minutes" type="number" min="1" placeholder="as the board" value={draft.time_range === null ? "" : String((seconds(draft.time_range) ?? 0) / 60)} onChange={(e) => set({ time_range: e.target.value === "" ? null : `${Number(e.target.value) * 60}s` })} />
        </div>
        <div className="form-actions"><Button kind="primary" type="submit">Done</Button></div>
      </form>
    </Dialog>
  );
}
