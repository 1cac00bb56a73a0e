import { expect, test } from "vitest";
import { fetchOf, harOf } from "./copies";
import { curlOf, shell } from "./curl";
import { brushed, stacked } from "./bars";
import { columnsOf, fitting, moved, usual } from "./columns";
import { LiveRows, merged, Meter } from "./live";
import { bodyKind, pathOf, rawHead, statusClass } from "./message";
import { changesOf, editOf } from "./replay-request";
import { marksIn, sameHash, searchField } from "./redacted";
import { rowOf } from "./row";
import { sample } from "./sample";
import { next } from "./table";
import { stagesOf } from "./waterfall";

const header = (name: string, value: string, redacted_by = "") => ({ name, value, redacted_by });
const bytes = (text: string) => new TextEncoder().encode(text);

test("paths are as the client wrote them", () => {
  expect(pathOf(sample())).toBe("/orders?a=1");
  expect(pathOf(sample({ request: { url: "https://shop.example.com" } }))).toBe("/");
  expect(pathOf(sample({ request: { url: "https://h/a%2Fb?x" } }))).toBe("/a%2Fb?x");
});

test("status classes", () => {
  expect([undefined, 0, 101, 204, 302, 429, 503, 700].map(statusClass)).toEqual(["none", "none", "info", "ok", "redirect", "client", "server", "none"]);
});

test("bodies are shown by type", () => {
  expect(bodyKind("application/problem+json; charset=utf-8", bytes("{}"), false)).toBe("json");
  expect(bodyKind("application/json", new Uint8Array([0, 1]), false)).toBe("binary");
  expect(bodyKind("image/png", new Uint8Array([0x89, 0x50]), false)).toBe("image");
  expect(bodyKind("image/svg+xml", bytes("<svg/>"), false)).toBe("xml");
  expect(bodyKind("", bytes('{"a":1}'), false)).toBe("json");
  expect(bodyKind("application/x-www-form-urlencoded", bytes("a=1"), false)).toBe("form");
  expect(bodyKind("text/plain", new Uint8Array(), false)).toBe("empty");
});

test("raw heads", () => {
  const exchange = sample({ request: { headers: [header("Accept", "*/*")] } });
  expect(rawHead(exchange, "request")).toBe("POST /orders?a=1 HTTP/1.1\r\nAccept: */*\r\n\r\n");
  expect(rawHead(exchange, "response")).toBe("");
});

test("curl quotes everything and leaves out what was redacted", () => {
  const { command, left } = curlOf(
    sample({ body: `{"a":"it's"}`, request: { headers: [header("Host", "x"), header("X-Id", "a b"), header("Authorization", "[redacted]", "default")] } }),
  );
  expect(command).toBe(`curl -X POST 'https://shop.example.com/orders?a=1' -H 'X-Id: a b' --data-binary '{"a":"it'\\''s"}'`);
  expect(left).toEqual(["Authorization"]);
  expect(shell("a\nb'")).toBe("$'a\\nb\\''");
  expect(curlOf(sample({ body: new Uint8Array([0, 255]) })).command).toContain("--data-binary @body.bin");
});

test("a replay sends only what was changed", () => {
  const exchange = sample({
    body: "old",
    request: { headers: [header("Host", "x"), header("X-A", "1"), header("X-B", "2"), header("Cookie", "[redacted]", "default"), header("Via", "a"), header("via", "b")] },
  });
  const edit = editOf(exchange);
  expect(changesOf(exchange, edit)).toEqual({});
  expect(changesOf(exchange, { ...edit, method: "PUT", path: "/x", body: "new" })).toEqual({ method: "PUT", path: "/x", body: btoa("new") });
  const headers = edit.headers
    .filter((h) => h.name !== "X-B")
    .map((h) => (h.name === "X-A" ? { ...h, value: "9" } : h.name === "Cookie" ? { ...h, value: "s=1" } : h.name === "via" ? { ...h, value: "c" } : h));
  expect(changesOf(exchange, { ...edit, headers })).toEqual({
    set_headers: [{ name: "X-A", value: "9" }, { name: "Cookie", value: "s=1" }, { name: "via", value: "a, c" }],
    remove_headers: ["X-B"],
  });
});

test("binary bodies are edited as base64", () => {
  const exchange = sample({ body: new Uint8Array([0, 1, 255]) });
  const edit = editOf(exchange);
  expect(edit).toMatchObject({ base64: true, body: "AAH/" });
  expect(changesOf(exchange, { ...edit, body: "AAH/\nAA==" }).body).toBe("AAH/AA==");
});

const row = (id: string) => rowOf(sample({ id }));
const ids = (rows: { id: string }[]) => rows.map((r) => r.id);

test("live rows find their place, once, and are merged with stored ones", () => {
  const live = new LiveRows();
  for (const id of ["ex_3", "ex_5", "ex_4", "ex_5"]) live.add(row(id));
  expect(ids(live.newestFirst())).toEqual(["ex_5", "ex_4", "ex_3"]);
  expect(ids(merged(live.newestFirst(), [row("ex_4"), row("ex_2")]))).toEqual(["ex_5", "ex_4", "ex_3", "ex_2"]);
  expect(ids(merged([], [row("ex_2")]))).toEqual(["ex_2"]);
  live.forget(2);
  expect(ids(live.newestFirst())).toEqual(["ex_4"]);
});

test("live rows are bounded, and tell what they let go", () => {
  const live = new LiveRows(10);
  for (let i = 10; i < 22; i++) live.add(row(`ex_${i}`));
  expect(live.arrived).toBe(12);
  expect(live.newestFirst().length + live.evicted).toBe(12);
  expect(live.newestFirst()[0]?.id).toBe("ex_21");
});

test("the meter counts what is too much for a screen", () => {
  const meter = new Meter(1000, 2000);
  let taken = 0;
  for (let ms = 0; ms < 3000; ms++) for (let i = 0; i < 2; i++) if (meter.take(ms)) taken++;
  expect(taken).toBeGreaterThanOrEqual(4998);
  expect(taken + meter.skipped).toBe(6000);
  const calm = new Meter(1000, 2000);
  for (let ms = 0; ms < 5000; ms++) calm.take(ms);
  expect(calm.skipped).toBe(0);
});

test("columns are as chosen, and give way when there is little room", () => {
  expect(columnsOf(null).map((c) => c.id)).toEqual(usual);
  expect(columnsOf("status,nonsense,time").map((c) => c.id)).toEqual(["status", "time"]);
  const all = columnsOf(null);
  expect(fitting(all, 2000)).toBe(all);
  const few = fitting(all, 560).map((c) => c.id);
  expect(few).toEqual(expect.arrayContaining(["time", "method", "path", "status", "duration"]));
  expect(few).not.toContain("client");
  expect(fitting(all, 10).map((c) => c.id)).toEqual(["time", "method", "path", "status"]);
  expect(moved(["a", "b", "c"], "a", "c")).toEqual(["b", "c", "a"]);
  expect(moved(["a", "b", "c"], "c", "a")).toEqual(["c", "a", "b"]);
});

test("a click on a column orders by it, then the other way, then as usual", () => {
  expect(next("", "duration")).toBe("duration desc");
  expect(next("duration desc", "duration")).toBe("duration asc");
  expect(next("duration asc", "duration")).toBe("");
});

test("redaction marks are found in texts", () => {
  expect(marksIn('{"a":"[redacted json_password 7 0123456789abcdef]"}')).toEqual(['{"a":"', { rule: "json_password", length: 7, hash: "0123456789abcdef" }, '"}']);
  expect(marksIn("[redacted] x")).toEqual(["[redacted] x"]);
  const mark = { rule: "token", length: 3, hash: "0123456789abcdef" };
  expect(sameHash(mark, searchField({ part: "PART_REQUEST_HEADER", path: "X-Key" }))).toBe("header.x-key:*0123456789abcdef*");
  expect(sameHash(mark, searchField({ part: "PART_REQUEST_BODY", path: "$.a" }))).toBe("redacted_by:token");
});

test("timings become stages, one after the other", () => {
  const none = { duration: null, policy: null, upstream: null, first_byte: null, connect: null, tls_handshake: null, upstream_first_byte: null, request_received: null, upstream_start: null };
  const call = { address: "u:1", connection_reused: false, http_version: "", failed_attempts: [{ address: "u:0", offset: "0.001s", duration: "0.002s", status_code: 503, error: "" }] };
  const stages = stagesOf(sample({ upstream: call, timings: { ...none, duration: "0.1s", policy: "0.001s", upstream_start: "0.003s", connect: "0.002s", tls_handshake: "0.005s", upstream_first_byte: "0.05s", upstream: "0.08s", first_byte: "0.062s" } }));
  expect(stages.map((s) => [s.kind, Math.round(s.start * 1000), Math.round(s.end * 1000)])).toEqual([
    ["policy", 0, 1], ["failed", 1, 3], ["connect", 3, 5], ["tls", 5, 10], ["wait", 10, 60], ["download", 60, 90], ["answer", 62, 100],
  ]);
  expect(stages[1]?.note).toBe("status 503");
  expect(stagesOf(sample())).toEqual([]);
});

test("exchanges are copied as fetch and as HAR entry, without what was redacted", () => {
  const e = sample({ body: '{"a":1}', request: { headers: [header("X-A", "1"), header("Authorization", "[redacted]", "rule"), header("Content-Type", "application/json")] } });
  expect(fetchOf(e)).toContain('headers: [["X-A","1"],["Content-Type","application/json"]]');
  expect(harOf(e)).toMatchObject({ request: { method: "POST", url: "https://shop.example.com/orders?a=1", queryString: [{ name: "a", value: "1" }] } });
});

test("histogram layers stand on each other, and a brush takes whole bars", () => {
  const bucket = { time: "1970-01-01T00:01:00Z", status_1xx: "0", status_2xx: "5", status_3xx: "0", status_4xx: "2", status_5xx: "1", no_status: "0" };
  const [times, whole, ...rest] = stacked([bucket]);
  expect(times).toEqual([60]);
  expect(whole).toEqual([8]);
  expect(rest[rest.length - 1]).toEqual([1]);
  expect(brushed(61, 119, 30)).toEqual({ from: 60_000, to: 120_000 });
  expect(brushed(61, 62, 30)).toEqual({ from: 60_000, to: 90_000 });
});
