import { useInfiniteQuery } from "@tanstack/react-query";
import { Fragment, useState } from "react";
import { useSearchParams } from "react-router";
import { call } from "../api/client";
import type { AuditEvent } from "../api/types";
import { plain, prettyJson } from "../format/json";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Empty, Failed, Loading } from "../ui/state";
import { Moment } from "../ui/time";

// AuditPage tells who changed what.
export function AuditPage() {
  const [params, setParams] = useSearchParams();
  const type = params.get("type") ?? "";
  const object = params.get("object_id") ?? "";
  const { data, error, isPending, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ["/api/v1/audit-events", type, object],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => call("get", "/api/v1/audit-events", { query: { type, object_id: object, limit: 100, cursor: pageParam }, signal }),
    getNextPageParam: (last) => last.next_cursor || undefined,
  });
  const set = (name: string, value: string) => setParams((p) => { if (value === "") p.delete(name); else p.set(name, value); return p; }, { replace: true });
  const rows = data?.pages.flatMap((p) => p.audit_events) ?? [];
  const filters = (
    <>
      <input aria-label="Type" placeholder="endpoint_updated.v0" className="mono" value={type} onChange={(e) => set("type", e.target.value.trim())} />
      <input aria-label="Object" placeholder="ep_…" className="mono" value={object} onChange={(e) => set("object_id", e.target.value.trim())} />
    </>
  );
  return (
    <Page title="Audit log" lead="Every change of configuration: who made it, and when." actions={filters}>
      {isPending && <Loading what="the audit log" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data !== undefined && rows.length === 0 && <Empty title="Nothing was changed" />}
      {rows.length > 0 && (
        <div className="table-scroll">
          <table className="data" aria-label="Audit log">
            <thead><tr><th>When</th><th>Change</th><th>Who</th><th>Object</th><th className="number">Revision</th><th>Content</th></tr></thead>
            <tbody>{rows.map((e) => <Row key={e.id} event={e} onObject={(id) => set("object_id", id)} />)}</tbody>
          </table>
        </div>
      )}
      {hasNextPage && <p><Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>Older changes</Button></p>}
    </Page>
  );
}

function Row({ event, onObject }: { event: AuditEvent; onObject: (id: string) => void }) {
  const [open, setOpen] = useState(false);
  const deleted = event.type.includes("_deleted");
  return (
    <Fragment>
      <tr data-testid="audit-row">
        <td><Moment iso={event.time} /></td>
        <td><Badge tone={deleted ? "bad" : "plain"}>{event.type}</Badge></td>
        <td><code>{event.principal}</code></td>
        <td><button type="button" className="link" onClick={() => onObject(event.object_id)}><code>{event.object_id}</code></button></td>
        <td className="number">{event.revision}</td>
        <td>{event.object !== null && <Button kind="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "Hide" : deleted ? "What it was" : "What it became"}</Button>}</td>
      </tr>
      {open && <tr><td colSpan={6}><pre className="body">{plain(prettyJson(JSON.stringify(event.object)).tokens)}</pre></td></tr>}
    </Fragment>
  );
}
