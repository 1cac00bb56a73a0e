import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ApiError, call, url } from "../api/client";
import { follow } from "../api/sse";
import type { Exchange } from "../api/types";
import type { Range } from "../format/time";
import { merged } from "./live";

interface Page {
  cursor: string;
  start: string;
}

// useExchanges reads stored exchanges, newest first, page by page.
export function useExchanges(filter: string, range: Range) {
  return useInfiniteQuery({
    queryKey: ["exchanges", filter, range.id],
    initialPageParam: null as Page | null,
    queryFn: async ({ pageParam, signal }) => {
      const start = pageParam?.start ?? new Date(Date.now() - range.seconds * 1000).toISOString();
      const query = { filter, start_time: start, limit: 200, cursor: pageParam?.cursor };
      return { start, ...(await call("get", "/api/v1/exchanges", { query, signal })) };
    },
    getNextPageParam: (last): Page | undefined => (last.next_cursor === "" ? undefined : { cursor: last.next_cursor, start: last.start }),
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    gcTime: 0,
  });
}

export type LiveState = "off" | "connecting" | "live" | "broken";

interface Live {
  state: LiveState;
  fresh: Exchange[];
  // How many have arrived since the stream began.
  count: number;
}

const off: Live = { state: "off", fresh: [], count: 0 };
const begun: Live = { ...off, state: "connecting" };

// useLive follows exchanges as they are stored. onOpen is called when the stream
// begins, so that what was stored just before is read again.
export function useLive(filter: string, on: boolean, onOpen: () => void): Live {
  const [live, setLive] = useState<Live>(begun);
  useEffect(() => {
    if (!on) return;
    const stop = new AbortController();
    let waiting: Exchange[] = [];
    const flush = () => {
      const batch = waiting;
      if (batch.length === 0) return;
      waiting = [];
      setLive((l) => ({ ...l, fresh: merged(batch, l.fresh), count: l.count + batch.length }));
    };
    const timer = setInterval(flush, 250);
    void follow(url("/api/v1/exchanges:tail", undefined, { filter }), stop.signal, {
      onOpen: () => { setLive((l) => ({ ...l, state: "live" })); onOpen(); },
      onEvent: (e) => { if (e.event === "exchange") waiting.push(JSON.parse(e.data) as Exchange); },
      onBreak: (error: ApiError | null, again) => setLive((l) => ({ ...l, state: again || error === null ? "broken" : "off" })),
    });
    return () => {
      stop.abort();
      clearInterval(timer);
      setLive(begun);
    };
  }, [filter, on, onOpen]);
  return on ? live : off;
}
