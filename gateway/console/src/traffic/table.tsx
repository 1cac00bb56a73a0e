import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useRef } from "react";
import { Link } from "react-router";
import type { Exchange } from "../api/types";
import { bytesText, durationText, seconds } from "../format/numbers";
import { Badge } from "../ui/badge";
import { Clock } from "../ui/time";
import { pathOf } from "./message";
import { Status } from "./status";

interface Props {
  rows: Exchange[];
  selected: string;
  search: string;
  pinned: boolean;
  more: boolean;
  loadingMore: boolean;
  onOpen: (id: string) => void;
  onTop: (top: boolean) => void;
  onMore: () => void;
}

const height = 27;
const columns = ["Time", "Method", "Host and path", "Status", "Duration", "Size", "Client", "Endpoint", "Notes"];

// ExchangeTable draws only the rows in view.
export function ExchangeTable({ rows, selected, search, pinned, more, loadingMore, onOpen, onTop, onMore }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => height, overscan: 15,
    getItemKey: (i) => rows[i]?.id ?? i,
    // The head stays on top of the rows and covers one of them.
    scrollMargin: height, scrollPaddingStart: height,
  });
  const at = rows.findIndex((r) => r.id === selected);
  const latestAt = useRef(at);
  useEffect(() => {
    latestAt.current = at;
  });
  useEffect(() => {
    if (latestAt.current >= 0) virtual.scrollToIndex(latestAt.current, { align: "auto" });
  }, [selected, virtual]);
  useEffect(() => {
    if (!pinned) scroller.current?.scrollTo({ top: 0 });
  }, [pinned]);

  const onScroll = () => {
    const box = scroller.current;
    if (box === null) return;
    onTop(box.scrollTop < height);
    if (more && !loadingMore && box.scrollHeight - box.scrollTop - box.clientHeight < height * 20) onMore();
  };
  return (
    <div className="exchanges" role="table" aria-label="Exchanges" aria-rowcount={rows.length + 1}>
      <div className="exchanges-scroll" ref={scroller} onScroll={onScroll} role="rowgroup" tabIndex={0} aria-label="Rows">
        <div className="exchange head" role="row" aria-rowindex={1}>
          {columns.map((c) => <span key={c} role="columnheader">{c}</span>)}
        </div>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }} role="presentation">
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            return <Row key={item.key} row={row} index={item.index} top={item.start - height} selected={row.id === selected} search={search} onOpen={onOpen} />;
          })}
        </div>
        {loadingMore && <div className="faint more" role="status">Loading more…</div>}
      </div>
    </div>
  );
}

interface RowProps {
  row: Exchange;
  index: number;
  top: number;
  selected: boolean;
  search: string;
  onOpen: (id: string) => void;
}

const Row = memo(
  function Row({ row, index, top, selected, search, onOpen }: RowProps) {
    const { request, response } = row;
    return (
      <div
        className="exchange" role="row" aria-rowindex={index + 2} aria-selected={selected} data-testid="exchange-row" data-id={row.id}
        style={{ transform: `translateY(${top}px)` }} onClick={() => onOpen(row.id)}
      >
        <span role="cell" className="mono"><Clock iso={row.start_time} /></span>
        <span role="cell" className="mono method">{request?.method}</span>
        <span role="cell" className="target">
          <Link to={{ pathname: `/traffic/${row.id}`, search }} onClick={(e) => e.stopPropagation()} tabIndex={-1} title={request?.url}>
            <span className="faint">{request?.host}</span><span>{pathOf(row)}</span>
          </Link>
        </span>
        <span role="cell"><Status code={response?.status_code} /></span>
        <span role="cell" className="number">{durationText(seconds(row.timings?.duration))}</span>
        <span role="cell" className="number">{bytesText(response?.body?.size)}</span>
        <span role="cell" className="mono faint">{row.connection?.client_ip}</span>
        <span role="cell" className="faint">{row.endpoint_name}</span>
        <span role="cell" className="notes"><Notes row={row} /></span>
      </div>
    );
  },
  (a, b) => a.row === b.row && a.index === b.index && a.top === b.top && a.selected === b.selected && a.search === b.search,
);

function Notes({ row }: { row: Exchange }) {
  return (
    <>
      {row.error !== null && <Badge tone="bad" title={row.error.message}>{row.error.code}</Badge>}
      {row.policy !== null && row.policy.action !== "" && <Badge tone="warn" title={row.policy.rule}>{row.policy.action}</Badge>}
      {row.replay_of !== "" && <Badge tone="info" title={`Replay of ${row.replay_of}`}>replay</Badge>}
    </>
  );
}
