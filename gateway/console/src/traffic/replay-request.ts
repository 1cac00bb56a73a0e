import type { operations } from "../api/schema";
import type { Exchange, Header } from "../api/types";
import { asText, toBase64 } from "../format/bytes";
import { bodyBytes, pathOf } from "./message";

// Edit is a request as the replay editor shows it.
export interface Edit {
  method: string;
  path: string;
  headers: EditedHeader[];
  body: string;
  // Binary bodies are edited as base64.
  base64: boolean;
}

export interface EditedHeader {
  key: number;
  name: string;
  value: string;
  // The recorded value was redacted: it is sent only when a new one is given.
  redacted: boolean;
}

export type Changes = operations["ReplayExchange"]["requestBody"]["content"]["application/json"];

// The replay sets these itself.
const managed = new Set(["content-length", "transfer-encoding", "connection", "host"]);

export function editOf(exchange: Exchange): Edit {
  const bytes = bodyBytes(exchange.request?.body);
  const text = asText(bytes);
  return {
    method: exchange.request?.method ?? "GET",
    path: pathOf(exchange),
    headers: (exchange.request?.headers ?? [])
      .filter((h) => !managed.has(h.name.toLowerCase()))
      .map((h, key) => ({ key, name: h.name, value: h.redacted_by === "" ? h.value : "", redacted: h.redacted_by !== "" })),
    body: text ?? toBase64(bytes),
    base64: text === null,
  };
}

// changesOf is what to send of an edit: only what differs from the recorded
// request, so that everything else is replayed byte for byte.
export function changesOf(exchange: Exchange, edit: Edit): Changes {
  const before = editOf(exchange);
  const changes: Changes = {};
  if (edit.method !== before.method) changes.method = edit.method;
  if (edit.path !== before.path) changes.path = edit.path;
  if (edit.body !== before.body) changes.body = edit.base64 ? edit.body.replace(/\s/g, "") : toBase64(new TextEncoder().encode(edit.body));
  const old = grouped(before.headers);
  const fresh = grouped(edit.headers.filter((h) => h.name.trim() !== "" && !(h.redacted && h.value === "")));
  const set = [...fresh].filter(([name, h]) => old.get(name)?.value !== h.value).map(([, h]) => h);
  const kept = new Set(edit.headers.map((h) => h.name.trim().toLowerCase()));
  const removed = [...old].filter(([name]) => !kept.has(name)).map(([, h]) => h.name);
  if (set.length > 0) changes.set_headers = set;
  if (removed.length > 0) changes.remove_headers = removed;
  return changes;
}

// grouped joins the lines of one header (RFC 9110 section 5.2), because a change
// replaces all of them.
function grouped(headers: Pick<Header, "name" | "value">[]): Map<string, { name: string; value: string }> {
  const out = new Map<string, { name: string; value: string }>();
  for (const h of headers) {
    const key = h.name.trim().toLowerCase();
    const before = out.get(key);
    out.set(key, { name: h.name.trim(), value: before === undefined ? h.value : `${before.value}, ${h.value}` });
  }
  return out;
}

// isSafe: repeating these changes nothing (RFC 9110 section 9.2.1).
export function isSafe(method: string): boolean {
  return ["GET", "HEAD", "OPTIONS", "TRACE"].includes(method.toUpperCase());
}
