import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { merged } from "./live";
import type { Row } from "./row";
import { useExchanges, type Search } from "./use-exchanges";
import { useLive, type Live } from "./use-live";

export interface Rows {
  rows: Row[];
  live: Live;
  // Exchanges that came faster than can be shown since the list was last read.
  skipped: number;
  // Rows that came while the list stood still.
  waiting: number;
  pinned: boolean;
  // Holds the list still while people are not at its top, or lets it go on.
  pin: (still: boolean) => void;
  stored: ReturnType<typeof useExchanges>;
  // Reads the list from its start again.
  again: () => void;
}

interface Pin {
  arrived: number;
  rows: Row[];
}

// useRows are stored exchanges, and before them those that come while the view is
// open.
export function useRows(search: Search, on: boolean): Rows {
  const [epoch, setEpoch] = useState(0);
  const [pinned, setPinned] = useState<Pin | null>(null);
  const [settled, setSettled] = useState(0);
  // What had arrived when the store was last asked: its answer has that.
  const mark = useRef({ arrived: 0, known: false });
  const latest = useRef<Live>(null);
  const again = useCallback(() => {
    setEpoch((n) => n + 1);
    setSettled(latest.current?.skipped ?? 0);
    mark.current = { arrived: latest.current?.rows.arrived ?? 0, known: false };
  }, []);
  const stored = useExchanges(search, epoch);
  const live = useLive(search.filter, on && !stored.isError, again);
  const ready = stored.isSuccess && !stored.isPlaceholderData;
  useEffect(() => {
    latest.current = live;
    if (ready && !mark.current.known) {
      mark.current.known = true;
      live.rows.forget(mark.current.arrived);
    }
    // A list with a gap is read again, unless people look at it.
    if (!ready || live.rows.evicted === 0 || pinned !== null) return;
    const timer = setTimeout(again);
    return () => clearTimeout(timer);
  }, [live, ready, epoch, pinned, again]);

  const pages = stored.data?.pages;
  const known = useMemo(() => pages?.flatMap((p) => p.rows) ?? [], [pages]);
  // rows is the same object throughout; version tells when it changed.
  const fresh = useMemo(() => (live.version >= 0 ? live.rows.newestFirst() : []), [live.rows, live.version]);
  const rows = useMemo(() => merged(pinned?.rows ?? fresh, known), [pinned, fresh, known]);
  const { rows: liveRows } = live;
  const pin = useCallback((still: boolean) => setPinned((p) => (still ? (p ?? { arrived: liveRows.arrived, rows: fresh }) : null)), [liveRows, fresh]);
  return { rows, live, waiting: pinned === null ? 0 : Math.max(0, live.rows.arrived - pinned.arrived), pinned: pinned !== null, pin, stored, again, skipped: live.skipped - Math.min(settled, live.skipped) };
}
