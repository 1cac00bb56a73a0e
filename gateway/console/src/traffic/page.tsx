import { lazy, Suspense, useCallback, useMemo, useRef, useState } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { ApiError } from "../api/client";
import type { View } from "../api/types";
import { countText } from "../format/numbers";
import { parseBack, spanOf, spanText, writeSpan, type Span } from "../format/span";
import { faultOf } from "../search/position";
import { useTitle } from "../shell/page";
import { Button } from "../ui/button";
import { useKeys } from "../ui/keys";
import { Empty, Failed, Loading } from "../ui/state";
import { useUTC } from "../ui/time";
import { AccountingLine } from "./accounting";
import { ColumnPicker } from "./column-picker";
import { columnsOf, moved, usual } from "./columns";
import { ExportMenu } from "./export-menu";
import { Facets } from "./facets";
import { ExchangeTable } from "./table";
import { Toolbar } from "./toolbar";
import { useFacetsOpen } from "./use-facets-open";
import { useRows } from "./use-rows";
import { ViewsMenu } from "./views-menu";

const Detail = lazy(async () => ({ default: (await import("./detail")).Detail }));
const Histogram = lazy(async () => ({ default: (await import("./histogram")).Histogram }));

// TrafficPage lists exchanges as they come, and shows one beside the list.
export function TrafficPage() {
  useTitle("Traffic");
  const { id = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const navigate = useNavigate();
  const utc = useUTC();
  const filter = params.get("filter") ?? "";
  const order = params.get("order") ?? "";
  const wanted = params.get("columns");
  const [range, from, to] = [params.get("range"), params.get("from"), params.get("to")];
  const span = useMemo(() => spanOf(new URLSearchParams({ range: range ?? "", from: from ?? "", to: to ?? "" })), [range, from, to]);
  const columns = useMemo(() => columnsOf(wanted), [wanted]);
  const still = span.kind === "between" ? "Times of the past do not change" : order === "" ? "" : "Only the newest first can be live";
  const on = params.get("live") !== "0" && still === "";
  const [cursor, setCursor] = useState("");
  const [facets, setFacets] = useFacetsOpen();
  const focusSearch = useRef(() => {});
  const { rows, live, waiting, pinned, pin, stored, again, skipped } = useRows({ filter, span, order }, on);
  const { hasNextPage, isFetchingNextPage, fetchNextPage, error } = stored;

  const edit = useCallback((change: (p: URLSearchParams) => void, replace = false) => {
    pin(false);
    setParams((p) => { change(p); return p; }, { replace });
  }, [pin, setParams]);
  const put = useCallback((name: string, value: string) => edit((p) => (value === "" ? p.delete(name) : p.set(name, value))), [edit]);
  const onFilter = (f: string) => put("filter", f.trim());
  const onSpan = useCallback((s: Span) => edit((p) => writeSpan(p, s)), [edit]);
  const onColumns = (ids: string[] | null) => edit((p) => (ids === null || ids.join() === usual.join() ? p.delete("columns") : p.set("columns", ids.join())), true);
  const onLive = () => put("live", on ? "0" : "");
  const onView = (v: View) => edit((p) => {
    for (const name of ["filter", "columns", "order", "live"]) p.delete(name);
    if (v.filter !== "") p.set("filter", v.filter);
    if (v.columns.length > 0) p.set("columns", v.columns.join());
    if (v.order_by !== "") p.set("order", v.order_by);
    const back = parseBack(v.range);
    if (back !== null) writeSpan(p, back);
  });

  const open = (target: string, replace = false) => {
    setCursor(target || id);
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
    j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1), PageDown: () => step(20), PageUp: () => step(-20),
    Home: () => step(-rows.length), End: () => step(rows.length),
    Enter: () => { if (cursor !== "") open(cursor); },
    Escape: () => { if (id !== "") open(""); },
    "/": () => focusSearch.current(),
    l: () => { if (still === "") onLive(); },
    f: () => setFacets(!facets),
  });

  const fault = useMemo(() => (error instanceof ApiError ? faultOf(filter, error.detail) : null), [error, filter]);
  const atTop = useCallback((top: boolean) => pin(!top), [pin]);
  const view = { filter, range: span.kind === "back" ? span.id : "", columns: wanted === null ? [] : columns.map((c) => c.id), order_by: order };

  return (
    <div className={`traffic ${id === "" ? "" : "split"} ${facets ? "with-facets" : ""}`}>
      <h1 className="sr-only">Traffic</h1>
      <section className="traffic-list" aria-label="Exchanges">
        <Toolbar filter={filter} span={span} live={on} state={live.state} still={still} fault={fault} onFilter={onFilter} onSpan={onSpan} onLive={onLive} onReady={(focus) => { focusSearch.current = focus; }}>
          <Button aria-pressed={facets} onClick={() => setFacets(!facets)} title="f" data-testid="facets-toggle">Facets</Button>
          <ColumnPicker columns={columns} onChange={onColumns} />
          <ViewsMenu current={view} onOpen={onView} />
          <ExportMenu filter={filter} span={span} />
        </Toolbar>
        {fault === null && <Suspense fallback={<div className="histogram" />}><Histogram filter={filter} span={span} live={on} onZoom={onSpan} /></Suspense>}
        <div className="traffic-middle">
          {facets && fault === null && <Facets filter={filter} span={span} live={on} onFilter={onFilter} />}
          <div className="traffic-rows">
            {waiting > 0 && <Button className="waiting" kind="primary" onClick={() => pin(false)}>{waiting} new ↑</Button>}
            {skipped > 0 && <div className="note sampled" role="status" data-testid="live-sampled">More comes than can be read: {countText(skipped)} are stored and not shown. <button type="button" className="link" onClick={again}>Read them</button></div>}
            {stored.isPending && <Loading what="exchanges" />}
            {fault !== null && <Empty title="The filter cannot be read">Mend what is underlined above.</Empty>}
            {error !== null && fault === null && <Failed error={error} retry={again} />}
            {error === null && !stored.isPending && rows.length === 0 && (
              <Empty title={filter === "" ? "No traffic" : "Nothing matches"}>
                {filter === "" ? "Requests to an endpoint appear here as they are answered." : `No exchange matches the filter: ${spanText(span, utc)}.`}
              </Empty>
            )}
            {error === null && rows.length > 0 && (
              <ExchangeTable
                rows={rows} columns={columns} chosen={wanted !== null} order={order} selected={id || cursor} search={params.toString()} onOpen={open} onTop={atTop} pinned={pinned}
                onOrder={(o) => put("order", o === "start_time desc" ? "" : o)} onMove={(a, b) => onColumns(moved(columns.map((c) => c.id), a, b))}
                more={hasNextPage} loadingMore={isFetchingNextPage} onMore={() => { if (hasNextPage && !isFetchingNextPage) void fetchNextPage(); }}
              />
            )}
          </div>
        </div>
        <AccountingLine shown={rows.length} more={hasNextPage} />
      </section>
      {id !== "" && <Suspense fallback={<aside className="detail"><Loading what="the exchange" /></aside>}><Detail key={id} id={id} onClose={() => open("")} tab={params.get("tab") ?? ""} onTab={(t) => edit((p) => p.set("tab", t), true)} search={params.toString()} /></Suspense>}
    </div>
  );
}
