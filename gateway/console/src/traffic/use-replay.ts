import { useMutation, useQueryClient, type UseMutationResult } from "@tanstack/react-query";
import { call } from "../api/client";
import type { Exchange, ReplayResult } from "../api/types";
import type { Changes } from "./replay-request";

export type Replay = UseMutationResult<ReplayResult, Error, Changes>;

// useReplay sends an exchange's request again, with changes. The result is shown
// where the button is; the original then lists the replay.
export function useReplay(exchange: Exchange): Replay {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (changes: Changes) => call("post", "/api/v1/exchanges/{id}:replay", { path: { id: exchange.id }, body: changes }),
    onSuccess: () => {
      // The new exchange is stored a moment later.
      setTimeout(() => void client.invalidateQueries({ queryKey: ["/api/v1/exchanges/{id}", exchange.id] }), 1500);
    },
  });
}
