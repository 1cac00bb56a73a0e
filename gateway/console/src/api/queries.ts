import { QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, call } from "./client";
import type { paths } from "./schema";

// transient failures are tried again, refusals are not.
function again(count: number, error: unknown): boolean {
  const status = error instanceof ApiError ? error.detail.status : 0;
  return count < 2 && (status === 0 || (status >= 500 && status !== 501));
}

export function newQueryClient(): QueryClient {
  return new QueryClient({ defaultOptions: { queries: { retry: again, retryDelay: 500, staleTime: 5_000 } } });
}

type ListPath = {
  [P in keyof paths]: P extends `${string}{${string}` ? never : paths[P]["get"] extends never | undefined ? never : P;
}[keyof paths];

// useList reads a collection, at most 1000 of it.
export function useList<P extends ListPath>(path: P, refreshMs?: number) {
  return useQuery({
    queryKey: [path],
    queryFn: ({ signal }) => call("get", path, { query: { limit: 1000 } as never, signal }),
    refetchInterval: refreshMs,
  });
}

type ItemPath = {
  [P in keyof paths]: P extends `${string}/{id}` ? (paths[P]["get"] extends never | undefined ? never : P) : never;
}[keyof paths];

// useItem reads one resource; an empty id reads nothing.
export function useItem<P extends ItemPath>(path: P, id: string, refreshMs?: number) {
  return useQuery({
    queryKey: [path, id],
    queryFn: ({ signal }) => call("get", path, { path: { id } as never, signal }),
    enabled: id !== "",
    refetchInterval: refreshMs,
  });
}

// useWrite runs a change and then reads again what it may have changed.
export function useWrite<In, Out>(run: (input: In) => Promise<Out>, touched: string[], done?: (out: Out, input: In) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: run,
    onSuccess: async (out, input) => {
      await Promise.all(touched.map((path) => client.invalidateQueries({ queryKey: [path] })));
      done?.(out, input);
    },
  });
}
