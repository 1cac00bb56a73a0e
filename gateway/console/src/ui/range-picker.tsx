import { useState } from "react";
import { backSpans, boundsOf, inputText, inputTime, lengthOf, parseBack, spanText, type Span } from "../format/span";
import { Button } from "./button";
import { Popover } from "./popover";
import { useUTC } from "./time";

interface Props {
  span: Span;
  onChange: (span: Span) => void;
}

// RangePicker chooses the time that a view looks at.
export function RangePicker({ span, onChange }: Props) {
  const utc = useUTC();
  return (
    <Popover label={spanText(span, utc)} name="Time range" align="end" className="range-button" testid="range-picker">
      {(close) => {
        const take = (s: Span) => { onChange(s); close(); };
        return (
          <div className="range-picker">
            <div className="range-list">
              {backSpans.map((id) => {
                const s = parseBack(id);
                return s === null ? null : <button key={id} type="button" className="item" aria-pressed={span.kind === "back" && span.id === id} onClick={() => take(s)}>{spanText(s, utc)}</button>;
              })}
            </div>
            <Custom span={span} utc={utc} onChange={take} />
          </div>
        );
      }}
    </Popover>
  );
}

function Custom({ span, utc, onChange }: { span: Span; utc: boolean; onChange: (span: Span) => void }) {
  const [bounds] = useState(() => boundsOf(span));
  const [from, setFrom] = useState(() => inputText(Date.parse(bounds.start_time), utc));
  const [to, setTo] = useState(() => inputText(bounds.end_time === undefined ? Date.parse(bounds.start_time) + lengthOf(span) * 1000 : Date.parse(bounds.end_time), utc));
  const [back, setBack] = useState("");
  const typed = parseBack(back.trim());
  const [start, end] = [inputTime(from, utc), inputTime(to, utc)];
  return (
    <form className="range-custom" onSubmit={(e) => { e.preventDefault(); if (end > start) onChange({ kind: "between", from: start, to: end }); }}>
      <label>From <input type="datetime-local" step="1" required value={from} onChange={(e) => setFrom(e.target.value)} /></label>
      <label>To <input type="datetime-local" step="1" required value={to} onChange={(e) => setTo(e.target.value)} /></label>
      <p className="hint">{utc ? "In UTC." : "In your time zone."}{end <= start && <span className="bad"> The end is not after the start.</span>}</p>
      <Button type="submit" disabled={!(end > start)}>Show these times</Button>
      <label>Past <input className="short" placeholder="90m, 12h, 2d" value={back} onChange={(e) => setBack(e.target.value)}
        onKeyDown={(e) => { if (e.key === "Enter") { e.preventDefault(); if (typed !== null) onChange(typed); } }} /></label>
    </form>
  );
}
