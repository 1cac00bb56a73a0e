import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { call } from "../api/client";
import { boundsOf, type Span } from "../format/span";
import { rowOf, type Row } from "./row";

interface Cursor {
  cursor: string;
  bounds: { start_time: string; end_time?: string };
}

interface Page extends Cursor {
  rows: Row[];
}

// Later pages are longer: who scrolls wants much.
const first = 200;
const later = 1000;

export interface Search {
  filter: string;
  span: Span;
  // As the API's order_by; empty for newest first.
  order: string;
}

// useExchanges reads stored exchanges page by page. A new epoch reads the first
// page again while the old pages are still shown.
export function useExchanges({ filter, span, order }: Search, epoch: number) {
  return useInfiniteQuery({
    queryKey: ["exchanges", filter, span, order, epoch],
    initialPageParam: null as Cursor | null,
    queryFn: async ({ pageParam, signal }): Promise<Page> => {
      const bounds = pageParam?.bounds ?? boundsOf(span);
      const query = { filter, ...bounds, order_by: order, limit: pageParam === null ? first : later, cursor: pageParam?.cursor };
      const answer = await call("get", "/api/v1/exchanges", { query, signal });
      return { rows: answer.exchanges.map(rowOf), cursor: answer.next_cursor, bounds };
    },
    getNextPageParam: (last): Cursor | undefined => (last.cursor === "" ? undefined : last),
    placeholderData: (previous, query) => (sameSearch(query?.queryKey, [filter, span, order]) ? keepPreviousData(previous) : undefined),
    structuralSharing: false,
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    gcTime: 0,
  });
}

function sameSearch(key: readonly unknown[] | undefined, search: unknown[]): boolean {
  return key !== undefined && JSON.stringify(key.slice(1, 4)) === JSON.stringify(search);
}
