// An exchange for tests.
import type { Exchange } from "../api/types";
import { toBase64 } from "../format/bytes";

export function sample(change: { request?: Partial<NonNullable<Exchange["request"]>>; body?: string | Uint8Array } & Partial<Omit<Exchange, "request">> = {}): Exchange {
  const { request, body, ...rest } = change;
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : (body ?? new Uint8Array());
  return {
    id: "ex_1", endpoint_id: "ep_1", endpoint_name: "shop", endpoint_url: "https://shop.example.com",
    start_time: "2026-03-04T01:02:03.004Z", connection: null, response: null, timings: null, upstream: null, error: null, policy: null,
    replay_of: "", replays: [], trace_id: "", proxy_id: "px_1", full_capture: true, policy_trace: null, route: "", messages: [], omitted_messages: "0", kept_by: "", redactions: [],
    request: {
      method: "POST", scheme: "https", host: "shop.example.com", path: "/orders", query: "a=1", url: "https://shop.example.com/orders?a=1",
      http_version: "HTTP/1.1", headers: [], trailers: [], body: { content: toBase64(bytes), size: String(bytes.length), truncated: false, decoded_size: "0", stored_size: String(bytes.length) }, ...request,
    },
    ...rest,
  };
}
