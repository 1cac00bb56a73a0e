import { useEffect, useRef, useState } from "react";
import { messageOf } from "../api/client";
import { bytesText, countText } from "../format/numbers";
import { boundsOf, type Span } from "../format/span";
import { Button } from "../ui/button";
import { Popover } from "../ui/popover";
import { download, fileFormats, save, type FileFormat, type Progress } from "./export";

interface Props {
  filter: string;
  span: Span;
}

type Run = { format: FileFormat; progress: Progress; state: "running" | "done" } | { format: FileFormat; state: "failed"; error: string };

// ExportMenu writes all that matches the search into a file.
export function ExportMenu({ filter, span }: Props) {
  const [bodies, setBodies] = useState(true);
  const [run, setRun] = useState<Run | null>(null);
  const stop = useRef<AbortController>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const start = async (format: FileFormat) => {
    stop.current?.abort();
    const control = new AbortController();
    stop.current = control;
    let progress: Progress = { bytes: 0, done: 0, total: null };
    setRun({ format, progress, state: "running" });
    try {
      const query = { filter, ...boundsOf(span), format: format.id, include_bodies: format.bodies && bodies };
      let drawn = 0;
      const file = await download(query, control.signal, (p) => {
        progress = p;
        if (performance.now() - drawn < 100) return;
        drawn = performance.now();
        setRun({ format, progress, state: "running" });
      });
      save(file, `sluice-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${format.ending}`);
      setRun({ format, progress, state: "done" });
    } catch (error) {
      setRun(control.signal.aborted ? null : { format, state: "failed", error: messageOf(error) });
    }
  };
  return (
    <>
      <Popover label="Export" name="Export this search" align="end" testid="export-menu">
        {(close) => (
          <div className="export-menu">
            {fileFormats.map((f) => (
              <button key={f.id} type="button" className="item" onClick={() => { void start(f); close(); }}><b>{f.label}</b> <span className="faint">{f.hint}</span></button>
            ))}
            <label><input type="checkbox" checked={bodies} onChange={(e) => setBodies(e.target.checked)} /> With recorded bodies</label>
          </div>
        )}
      </Popover>
      {run !== null && <Shown run={run} onCancel={() => { stop.current?.abort(); setRun(null); }} />}
    </>
  );
}

function Shown({ run, onCancel }: { run: Run; onCancel: () => void }) {
  const close = <Button kind="quiet" onClick={onCancel}>{run.state === "running" ? "Cancel" : "Close"}</Button>;
  if (run.state === "failed") return <div className="export-run problem" role="alert">{run.format.label}: {run.error} {close}</div>;
  const { bytes, done, total } = run.progress;
  return (
    <div className="export-run" role="status" data-testid="export-run" data-state={run.state}>
      <span>{run.state === "done" ? `${run.format.label} saved` : `Exporting ${run.format.label}`}: {total !== null && `${run.state === "done" || done === null ? "" : `${countText(Math.max(0, done))} of `}${countText(total)} exchanges, `}{bytesText(bytes)}</span>
      {run.state === "running" && <progress max={total || 1} value={done === null || total === null ? undefined : Math.max(0, done)} aria-label="Progress of the export" />}
      {close}
    </div>
  );
}
