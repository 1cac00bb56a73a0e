import type { components } from "../api/schema";
import type { UpstreamInput } from "../api/types";
import { seconds } from "../format/numbers";

type Balancing = components["schemas"]["sluice.policy.v1.Balancing"];
type Protocol = components["schemas"]["sluice.policy.v1.UpstreamProtocol"];

export const balancings: { value: Balancing; label: string }[] = [
  { value: "BALANCING_UNSPECIFIED", label: "In turn, by weight" },
  { value: "BALANCING_LEAST_REQUESTS", label: "The one with fewer requests" },
  { value: "BALANCING_CLIENT_ADDRESS", label: "The same one for the same client" },
];

export const protocols: { value: Protocol; label: string }[] = [
  { value: "UPSTREAM_PROTOCOL_UNSPECIFIED", label: "HTTP/1.1, or what TLS negotiates" },
  { value: "UPSTREAM_PROTOCOL_HTTP1", label: "HTTP/1.1" },
  { value: "UPSTREAM_PROTOCOL_HTTP2", label: "HTTP/2 (h2c over http)" },
];

// Draft is an upstream as its form shows it. What the form does not show is kept.
export interface Draft {
  // One URL a line, with its weight after it when it is not 1.
  targets: string;
  skipVerify: boolean;
  balancing: Balancing;
  protocol: Protocol;
  // Path of the health check; empty for none.
  health: string;
  eject: boolean;
  // Tries after the first; 0 for none.
  retries: string;
  // In seconds; empty for the default.
  connect: string;
  firstByte: string;
  idle: string;
  maxRequests: string;
}

const text = (d: string | null | undefined) => { const s = seconds(d); return s === null || s === 0 ? "" : String(s); };

export function draftOf(u: UpstreamInput | null | undefined): Draft {
  const targets = u?.targets ?? [];
  return {
    targets: targets.length > 0 ? targets.map((t) => (t.weight !== undefined && t.weight > 1 ? `${t.url} ${t.weight}` : t.url)).join("\n") : (u?.url ?? ""),
    skipVerify: u?.tls_skip_verify ?? false,
    balancing: u?.balancing === "BALANCING_ROUND_ROBIN" ? "BALANCING_UNSPECIFIED" : (u?.balancing ?? "BALANCING_UNSPECIFIED"), protocol: u?.protocol ?? "UPSTREAM_PROTOCOL_UNSPECIFIED",
    health: u?.health_check ? u.health_check.path || "/" : "", eject: Boolean(u?.outlier_detection), retries: u?.retry ? String(u.retry.attempts || 1) : "0",
    connect: text(u?.timeouts?.connect), firstByte: text(u?.timeouts?.first_byte), idle: text(u?.timeouts?.idle), maxRequests: u?.max_requests ? String(u.max_requests) : "",
  };
}

// upstreamOf is what to send: the draft over what was there. One URL without weight
// is a single server, several are a pool.
export function upstreamOf(d: Draft, before: UpstreamInput | null | undefined): UpstreamInput | null {
  const targets = targetsOf(d.targets);
  if (targets.length === 0) return null;
  const single = targets.length === 1 && targets[0]?.weight === undefined && (before?.targets ?? []).length === 0 && !d.eject;
  const duration = (s: string) => (s.trim() === "" ? undefined : `${Number(s)}s`);
  const timeouts = { connect: duration(d.connect), first_byte: duration(d.firstByte), idle: duration(d.idle) };
  return {
    url: single ? (targets[0]?.url ?? "") : "", targets: single ? [] : targets, tls_skip_verify: d.skipVerify, balancing: d.balancing, protocol: d.protocol,
    health_check: d.health.trim() === "" ? undefined : { ...before?.health_check, path: d.health.trim() },
    outlier_detection: d.eject ? (before?.outlier_detection ?? {}) : undefined,
    retry: Number(d.retries) > 0 ? { ...before?.retry, attempts: Number(d.retries) } : undefined,
    max_requests: Number(d.maxRequests) || 0,
    timeouts: Object.values(timeouts).some((t) => t !== undefined) ? timeouts : undefined,
  } as UpstreamInput;
}

export function targetsOf(lines: string): { url: string; weight?: number }[] {
  return lines.split("\n").map((l) => l.trim().split(/\s+/)).flatMap(([url = "", weight]) => (url === "" ? [] : [weight === undefined ? { url } : { url, weight: Number(weight) || 0 }]));
}

// linesProblem is what is wrong with the list of targets; empty when nothing is.
export function linesProblem(lines: string): string {
  const wrong = lines.split("\n").findIndex((l) => l.trim() !== "" && !/^\s*https?:\/\/\S+(\s+\d+)?\s*$/.test(l));
  return wrong < 0 ? "" : `Line ${wrong + 1} is not an http or https URL, with a weight after it or not.`;
}
