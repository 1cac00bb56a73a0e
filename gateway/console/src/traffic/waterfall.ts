import type { Exchange } from "../api/types";
import { seconds } from "../format/numbers";

export interface Stage {
  label: string;
  // Seconds after the request's head had been received.
  start: number;
  end: number;
  kind: "receive" | "policy" | "failed" | "connect" | "tls" | "wait" | "download" | "answer";
  note: string;
}

// stagesOf puts an exchange's timings one after the other. What was not measured is
// left out.
export function stagesOf(exchange: Exchange): Stage[] {
  const t = exchange.timings;
  if (t === null) return [];
  const stages: Stage[] = [];
  const add = (kind: Stage["kind"], label: string, start: number, length: number | null, note = "") => {
    if (length !== null && length > 0) stages.push({ kind, label, start, end: start + length, note });
  };
  add("receive", "Request received", 0, seconds(t.request_received));
  add("policy", "Traffic Policy", 0, seconds(t.policy));
  for (const a of exchange.upstream?.failed_attempts ?? []) {
    const why = a.error || (a.status_code === 0 ? "no response" : `status ${a.status_code}`);
    add("failed", `Failed: ${a.address}`, seconds(a.offset) ?? 0, seconds(a.duration), why);
  }
  upstream(exchange, add);
  const [first, whole] = [seconds(t.first_byte), seconds(t.duration)];
  if (first !== null && whole !== null) add("answer", "Answer to the client", first, whole - first);
  return stages.sort((a, b) => a.start - b.start);
}

function upstream({ timings: t, upstream: call }: Exchange, add: (kind: Stage["kind"], label: string, start: number, length: number | null, note?: string) => void) {
  const whole = seconds(t?.upstream);
  if (whole === null || call === null) return;
  const connect = seconds(t?.connect);
  const tls = seconds(t?.tls_handshake);
  const asked = seconds(t?.upstream_start) ?? seconds(t?.policy) ?? 0;
  add("connect", "Connect", asked, connect, call.address);
  add("tls", "TLS handshake", asked + (connect ?? 0), tls);
  const sent = asked + (connect ?? 0) + (tls ?? 0);
  const wait = seconds(t?.upstream_first_byte);
  if (wait === null) {
    add("wait", "Upstream", sent, whole, call.address);
    return;
  }
  add("wait", "Waiting for the upstream", sent, wait, call.address);
  add("download", "Download", sent + wait, whole - wait);
}
