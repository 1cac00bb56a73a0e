import type { Exchange } from "../api/types";
import { seconds } from "../format/numbers";
import { pathOf } from "./message";

// Row is what the list keeps of an exchange: little, because there may be 100,000.
export interface Row {
  id: string;
  time: string;
  method: string;
  host: string;
  // With its query, as the client wrote it.
  path: string;
  url: string;
  version: string;
  status: number;
  // In seconds; null when not known.
  duration: number | null;
  upstream: number | null;
  firstByte: number | null;
  requestBytes: number;
  responseBytes: number;
  client: string;
  country: string;
  user: string;
  endpoint: string;
  route: string;
  action: string;
  rule: string;
  error: string;
  errorMessage: string;
  replayOf: string;
  trace: string;
  proxy: string;
  keptBy: string;
}

export function rowOf(e: Exchange): Row {
  return {
    id: e.id, time: e.start_time ?? "", method: e.request?.method ?? "", host: e.request?.host ?? "", path: pathOf(e), url: e.request?.url ?? "",
    version: e.request?.http_version ?? "", status: e.response?.status_code ?? 0, duration: seconds(e.timings?.duration), upstream: seconds(e.timings?.upstream),
    firstByte: seconds(e.timings?.first_byte), requestBytes: Number(e.request?.body?.size ?? 0), responseBytes: Number(e.response?.body?.size ?? 0),
    client: e.connection?.client_ip ?? "", country: e.connection?.geo?.country_code ?? "", user: e.policy?.user_name ?? "",
    endpoint: e.endpoint_name || e.endpoint_url, route: e.route, action: e.policy?.action ?? "", rule: e.policy?.rule ?? "",
    error: e.error?.code ?? "", errorMessage: e.error?.message ?? "", replayOf: e.replay_of, trace: e.trace_id, proxy: e.proxy_id, keptBy: e.kept_by,
  };
}
