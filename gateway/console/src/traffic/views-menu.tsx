import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, isMissing } from "../api/client";
import { useWrite } from "../api/queries";
import type { View, ViewInput } from "../api/types";
import { Button } from "../ui/button";
import { Popover } from "../ui/popover";
import { Failed, Problem } from "../ui/state";

interface Props {
  // What a view of the present search is.
  current: Omit<ViewInput, "id" | "name">;
  onOpen: (view: View) => void;
}

const path = "/api/v1/views";

// ViewsMenu opens, saves, renames and deletes searches that people come back to.
export function ViewsMenu({ current, onOpen }: Props) {
  return <Popover label="Views" name="Saved views" align="end" testid="views-menu">{(close) => <Panel current={current} onOpen={(v) => { onOpen(v); close(); }} />}</Popover>;
}

function Panel({ current, onOpen }: Props) {
  const { data, error, isPending, refetch } = useQuery({ queryKey: [path], queryFn: ({ signal }) => call("get", path, { signal }), retry: false });
  const [name, setName] = useState("");
  const save = useWrite((view: ViewInput) => call("post", path, { body: view }), [path], () => setName(""));
  if (error !== null) return <Failed error={error} retry={() => void refetch()} />;
  return (
    <div className="views" aria-busy={isPending}>
      {data?.views.length === 0 && <p className="hint">A view keeps the filter, the time to look back, the columns and the order.</p>}
      <ul>{data?.views.map((v) => <Item key={v.id} view={v} current={current} onOpen={onOpen} />)}</ul>
      <form className="row" onSubmit={(e) => { e.preventDefault(); if (name.trim() !== "") save.mutate({ ...current, name: name.trim() }); }}>
        <input className="grow" aria-label="Name of the view" placeholder="Save this search as…" maxLength={255} value={name} onChange={(e) => setName(e.target.value)} />
        <Button kind="primary" type="submit" busy={save.isPending} disabled={name.trim() === "" || isMissing(error)}>Save</Button>
      </form>
      <Problem error={save.error} />
    </div>
  );
}

function Item({ view, current, onOpen }: Props & { view: View }) {
  const [name, setName] = useState<string | null>(null);
  const [sure, setSure] = useState(false);
  const change = useWrite((input: ViewInput) => call("patch", "/api/v1/views/{id}", { path: { id: view.id }, body: input }), [path], () => setName(null));
  const remove = useWrite(() => call("delete", "/api/v1/views/{id}", { path: { id: view.id } }), [path]);
  if (name !== null) {
    return (
      <li>
        <form className="row" onSubmit={(e) => { e.preventDefault(); change.mutate({ name: name.trim() }); }}>
          <input className="grow" aria-label="New name" autoFocus required maxLength={255} value={name} onChange={(e) => setName(e.target.value)} />
          <Button type="submit" busy={change.isPending}>Rename</Button>
        </form>
        <Problem error={change.error} />
      </li>
    );
  }
  return (
    <li className="view" data-testid="view">
      <button type="button" className="item" title={view.filter || "everything"} onClick={() => onOpen(view)}>{view.name}</button>
      <Button kind="quiet" title="Keep the present search under this name" onClick={() => change.mutate(current)}>{change.isSuccess ? "Kept" : "Update"}</Button>
      <Button kind="quiet" onClick={() => setName(view.name)}>Rename</Button>
      <Button kind="quiet" aria-label={`Delete ${view.name}`} className={sure ? "bad" : ""} onClick={() => (sure ? remove.mutate(undefined) : setSure(true))}>{sure ? "Sure?" : "✕"}</Button>
      <Problem error={remove.error ?? change.error} />
    </li>
  );
}
