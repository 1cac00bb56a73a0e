import { useCallback, useMemo, useRef, useState } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { ApiError } from "../api/client";
import { rangeOf } from "../format/time";
import { faultOf } from "../search/position";
import { useTitle } from "../shell/page";
import { Button } from "../ui/button";
import { useKeys } from "../ui/keys";
import { Empty, Failed, Loading } from "../ui/state";
import { AccountingLine } from "./accounting";
import { Detail } from "./detail";
import { merged } from "./live";
import { ExchangeTable } from "./table";
import { Toolbar } from "./toolbar";
import { useExchanges, useLive } from "./use-exchanges";

const cap = 20_000;

// TrafficPage lists exchanges as they come, and shows one beside the list.
export function TrafficPage() {
  useTitle("Traffic");
  const { id = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const navigate = useNavigate();
  const filter = params.get("filter") ?? "";
  const range = rangeOf(params.get("range"));
  const on = params.get("live") !== "0";
  const [cursor, setCursor] = useState("");
  const [pinned, setPinned] = useState<{ count: number; rows: ReturnType<typeof merged> } | null>(null);
  const focusSearch = useRef(() => {});

  const stored = useExchanges(filter, range);
  const { refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = stored;
  const live = useLive(filter, on && !stored.isError, useCallback(() => void refetch(), [refetch]));
  const known = useMemo(() => stored.data?.pages.flatMap((p) => p.exchanges) ?? [], [stored.data]);
  const rows = useMemo(() => merged(pinned?.rows ?? live.fresh, known, cap), [pinned, live.fresh, known]);
  const waiting = pinned === null ? 0 : live.count - pinned.count;

  const change = (name: string, value: string | null) => {
    setPinned(null);
    setParams((p) => {
      if (value === null || value === "") p.delete(name);
      else p.set(name, value);
      return p;
    });
  };
  const open = (target: string, replace = false) => {
    setCursor(target);
    const kept = new URLSearchParams(params);
    if (target === "") kept.delete("tab");
    void navigate({ pathname: target === "" ? "/traffic" : `/traffic/${target}`, search: kept.toString() }, { replace });
  };
  const step = (by: number) => {
    const at = rows.findIndex((r) => r.id === (id || cursor));
    const row = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
    if (row === undefined) return;
    if (id === "") setCursor(row.id);
    else open(row.id, true);
  };
  useKeys({
    j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1),
    Enter: () => { if (cursor !== "") open(cursor); },
    Escape: () => { if (id !== "") open(""); },
    "/": () => focusSearch.current(),
    l: () => change("live", on ? "0" : null),
  });

  const error = stored.error;
  const fault = useMemo(() => (error instanceof ApiError ? faultOf(filter, error.detail) : null), [error, filter]);
  const atTop = useCallback(
    (top: boolean) => setPinned((p) => (top ? null : (p ?? { count: live.count, rows: live.fresh }))),
    [live.count, live.fresh],
  );

  return (
    <div className={`traffic ${id === "" ? "" : "split"}`}>
      <h1 className="sr-only">Traffic</h1>
      <section className="traffic-list" aria-label="Exchanges">
        <Toolbar
          filter={filter} range={range} live={on} state={live.state} fault={fault}
          onFilter={(f) => change("filter", f)} onRange={(r) => change("range", r)} onLive={() => change("live", on ? "0" : null)}
          onReady={(focus) => { focusSearch.current = focus; }}
        />
        <div className="traffic-rows">
          {waiting > 0 && <Button className="waiting" kind="primary" onClick={() => setPinned(null)}>{waiting} new ↑</Button>}
          {stored.isPending && <Loading what="exchanges" />}
          {fault !== null && <Empty title="The filter cannot be read">Mend what is underlined above.</Empty>}
          {error !== null && fault === null && <Failed error={error} retry={() => void refetch()} />}
          {error === null && !stored.isPending && rows.length === 0 && (
            <Empty title={filter === "" ? "No traffic yet" : "Nothing matches"}>
              {filter === "" ? "Requests to an endpoint appear here as they are answered." : `No exchange of the last ${range.label} matches the filter.`}
            </Empty>
          )}
          {error === null && rows.length > 0 && (
            <ExchangeTable
              rows={rows} selected={id || cursor} search={params.toString()} onOpen={open} onTop={atTop} pinned={pinned !== null}
              more={hasNextPage} loadingMore={isFetchingNextPage} onMore={() => { if (hasNextPage && !isFetchingNextPage) void fetchNextPage(); }}
            />
          )}
        </div>
        <AccountingLine shown={rows.length} more={hasNextPage} />
      </section>
      {id !== "" && <Detail key={id} id={id} onClose={() => open("")} tab={params.get("tab") ?? ""} onTab={(t) => change("tab", t)} search={params.toString()} />}
    </div>
  );
}
