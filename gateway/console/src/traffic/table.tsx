import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { fitting, leastWidth, tracks, type Column } from "./columns";
import type { Row } from "./row";

interface Props {
  rows: Row[];
  columns: Column[];
  // Whether people chose the columns: then all are shown, and the list scrolls.
  chosen: boolean;
  order: string;
  selected: string;
  search: string;
  pinned: boolean;
  more: boolean;
  loadingMore: boolean;
  onOpen: (id: string) => void;
  onTop: (top: boolean) => void;
  onMore: () => void;
  onOrder: (order: string) => void;
  onMove: (id: string, to: string) => void;
}

const height = 27;

// ExchangeTable draws only the rows in view.
export function ExchangeTable({ rows, columns, chosen, order, selected, search, pinned, more, loadingMore, onOpen, onTop, onMore, onOrder, onMove }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(scroller);
  const shown = chosen ? columns : fitting(columns, width);
  const virtual = useVirtualizer({
    count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => height, overscan: 15,
    getItemKey: (i) => rows[i]?.id ?? i,
    // The head stays on top of the rows and covers one of them.
    scrollMargin: height, scrollPaddingStart: height,
  });
  const latest = useRef(rows);
  useEffect(() => {
    latest.current = rows;
  });
  useEffect(() => {
    const at = selected === "" ? -1 : latest.current.findIndex((r) => r.id === selected);
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
  }, [selected, virtual]);
  useEffect(() => {
    if (!pinned) scroller.current?.scrollTo({ top: 0 });
  }, [pinned]);

  const onScroll = () => {
    const box = scroller.current;
    if (box === null) return;
    onTop(box.scrollTop < height);
    if (more && !loadingMore && box.scrollHeight - box.scrollTop - box.clientHeight < height * 200) onMore();
  };
  const grid = { gridTemplateColumns: tracks(shown), minWidth: leastWidth(shown) };
  return (
    <div className="exchanges" role="table" aria-label="Exchanges" aria-rowcount={rows.length + 1} aria-colcount={shown.length}>
      <div className="exchanges-scroll" ref={scroller} onScroll={onScroll} role="rowgroup" tabIndex={0} aria-label="Rows">
        <div className="exchange head" role="row" aria-rowindex={1} style={grid}>
          {shown.map((c) => <Head key={c.id} column={c} order={order} onOrder={onOrder} onMove={onMove} />)}
        </div>
        <div style={{ height: virtual.getTotalSize(), minWidth: leastWidth(shown), position: "relative" }} role="presentation">
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            return <RowView key={item.key} row={row} columns={shown} tracks={grid.gridTemplateColumns} index={item.index} top={item.start - height} selected={row.id === selected} search={search} onOpen={onOpen} />;
          })}
        </div>
        {loadingMore && <div className="faint more" role="status">Loading more…</div>}
      </div>
    </div>
  );
}

function useWidth(ref: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(1200);
  useEffect(() => {
    const box = ref.current;
    if (box === null) return;
    const observer = new ResizeObserver(() => setWidth(box.clientWidth));
    observer.observe(box);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}

// next is the order after a click on a column: down, up, and as usual.
export function next(order: string, field: string): string {
  if (order === `${field} desc`) return `${field} asc`;
  return order === `${field} asc` ? "" : `${field} desc`;
}

const dragged = "text/x-column";

function Head({ column, order, onOrder, onMove }: { column: Column; order: string; onOrder: (order: string) => void; onMove: (id: string, to: string) => void }) {
  const [field, direction] = (order || "start_time desc").split(" ");
  const sorted = column.order !== undefined && column.order === field ? (direction === "asc" ? "ascending" : "descending") : undefined;
  const mark = sorted === undefined ? "" : sorted === "ascending" ? " ↑" : " ↓";
  return (
    <span
      role="columnheader" aria-sort={sorted} draggable className={column.className?.includes("number") ? "number" : ""} title="Drag to move the column"
      onDragStart={(e) => e.dataTransfer.setData(dragged, column.id)} onDragOver={(e) => e.preventDefault()}
      onDrop={(e) => { e.preventDefault(); onMove(e.dataTransfer.getData(dragged), column.id); }}
    >
      {column.order === undefined ? column.label : (
        <button type="button" onClick={() => onOrder(next(order, column.order ?? ""))}>{column.label}<span aria-hidden="true">{mark}</span></button>
      )}
    </span>
  );
}

interface RowProps {
  row: Row;
  columns: Column[];
  tracks: string;
  index: number;
  top: number;
  selected: boolean;
  search: string;
  onOpen: (id: string) => void;
}

const RowView = memo(
  function RowView({ row, columns, tracks, index, top, selected, search, onOpen }: RowProps) {
    // Where the host has no column of its own, it stands before the path.
    const host = !columns.some((c) => c.id === "host");
    return (
      <div
        className="exchange" role="row" aria-rowindex={index + 2} aria-selected={selected} data-testid="exchange-row" data-id={row.id}
        style={{ transform: `translateY(${top}px)`, gridTemplateColumns: tracks }} onClick={() => onOpen(row.id)}
      >
        {columns.map((c) => c.id === "path" ? (
          <span role="cell" key={c.id} className="target">
            <Link to={{ pathname: `/traffic/${row.id}`, search }} onClick={(e) => e.stopPropagation()} tabIndex={-1} title={row.url}>
              {row.path}{host && <span className="faint"> {row.host}</span>}
            </Link>
          </span>
        ) : <span role="cell" key={c.id} className={c.className}>{c.cell(row)}</span>)}
      </div>
    );
  },
  (a, b) => a.row === b.row && a.index === b.index && a.top === b.top && a.selected === b.selected && a.search === b.search && a.columns.length === b.columns.length && a.columns.every((c, i) => c === b.columns[i]),
);
