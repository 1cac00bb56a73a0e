import { expect, test } from "vitest";
import { curlOf, shell } from "./curl";
import { merged } from "./live";
import { bodyKind, pathOf, rawHead, statusClass } from "./message";
import { changesOf, editOf } from "./replay-request";
import { sample } from "./sample";

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
  expect(bodyKind("image/svg+xml", bytes("<svg/>"), false)).toBe("html");
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

test("live rows are merged once, newest first, up to the cap", () => {
  const e = (id: string) => sample({ id });
  expect(merged([e("ex_3"), e("ex_4")], [e("ex_3"), e("ex_2")]).map((x) => x.id)).toEqual(["ex_4", "ex_3", "ex_2"]);
  expect(merged([e("ex_3"), e("ex_4")], [e("ex_2")], 2).map((x) => x.id)).toEqual(["ex_4", "ex_3"]);
});
