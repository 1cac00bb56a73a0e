import { useState } from "react";
import type { Exchange } from "../api/types";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { TextArea, TextField } from "../ui/field";
import { changesOf, editOf, type Edit, type EditedHeader } from "./replay-request";
import { ReplayResultView } from "./replay-result";
import { useReplay } from "./use-replay";

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

// ReplayEditor changes a recorded request before it is sent again.
export function ReplayEditor({ exchange, search, onClose }: { exchange: Exchange; search: string; onClose: () => void }) {
  const [edit, setEdit] = useState<Edit>(() => editOf(exchange));
  const replay = useReplay(exchange);
  const change = (part: Partial<Edit>) => setEdit((e) => ({ ...e, ...part }));
  const lost = exchange.request?.body?.truncated === true || (Number(exchange.request?.body?.size) > 0 && exchange.request?.body?.content === "");
  const actions = (
    <>
      <Button onClick={onClose}>Close</Button>
      <Button kind="primary" busy={replay.isPending} onClick={() => replay.mutate(changesOf(exchange, edit))}>Send</Button>
    </>
  );
  return (
    <Dialog title="Replay with changes" onClose={onClose} actions={actions} wide>
      <div className="row">
        <div className="field">
          <label htmlFor="replay-method">Method</label>
          <input id="replay-method" list="replay-methods" className="mono short" value={edit.method} onChange={(e) => change({ method: e.target.value.toUpperCase() })} />
          <datalist id="replay-methods">{methods.map((m) => <option key={m} value={m} />)}</datalist>
        </div>
        <div className="grow">
          <TextField label="Path and query" className="mono" value={edit.path} onChange={(e) => change({ path: e.target.value })} />
        </div>
      </div>
      <Headers headers={edit.headers} onChange={(headers) => change({ headers })} />
      <TextArea
        label={edit.base64 ? "Body (base64)" : "Body"} className="mono" rows={10} value={edit.body} onChange={(e) => change({ body: e.target.value })}
        hint={lost ? "The recorded body is not whole: the request can only be sent with a body given here." : undefined}
      />
      <ReplayResultView replay={replay} search={search} />
    </Dialog>
  );
}

function Headers({ headers, onChange }: { headers: EditedHeader[]; onChange: (headers: EditedHeader[]) => void }) {
  const set = (key: number, part: Partial<EditedHeader>) => onChange(headers.map((h) => (h.key === key ? { ...h, ...part } : h)));
  const key = headers.reduce((max, h) => Math.max(max, h.key), 0) + 1;
  return (
    <fieldset className="header-edit">
      <legend>Headers</legend>
      {headers.map((h) => (
        <div className="row" key={h.key}>
          <input className="mono name" aria-label="Header name" value={h.name} onChange={(e) => set(h.key, { name: e.target.value })} />
          <input className="mono grow" aria-label={`Value of ${h.name || "the header"}`} value={h.value} placeholder={h.redacted ? "redacted: give a value to send it" : ""} onChange={(e) => set(h.key, { value: e.target.value })} />
          <Button kind="quiet" aria-label={`Remove ${h.name}`} onClick={() => onChange(headers.filter((x) => x.key !== h.key))}>✕</Button>
        </div>
      ))}
      <Button onClick={() => onChange([...headers, { key, name: "", value: "", redacted: false }])}>Add header</Button>
    </fieldset>
  );
}
