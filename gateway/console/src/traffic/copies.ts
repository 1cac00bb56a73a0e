import type { Exchange, Header } from "../api/types";
import { asText, toBase64 } from "../format/bytes";
import { seconds } from "../format/numbers";
import { bodyBytes, headerValue, pathOf } from "./message";

// urlOf is the absolute URL of a request.
export function urlOf(exchange: Exchange): string {
  const request = exchange.request;
  if (request === null) return "";
  return /^[a-z]+:\/\//i.test(request.url) ? request.url : `${request.scheme}://${request.host}${pathOf(exchange)}`;
}

// Browsers set these themselves and refuse them from a page.
const browserOwn = /^(host|content-length|connection|transfer-encoding|accept-encoding|cookie|origin|referer|user-agent|sec-.*|proxy-.*)$/i;

// fetchOf is JavaScript that sends the recorded request again.
export function fetchOf(exchange: Exchange): string {
  const request = exchange.request;
  if (request === null) return "";
  const headers = request.headers.filter((h) => h.redacted_by === "" && !browserOwn.test(h.name)).map((h) => [h.name, h.value]);
  const bytes = bodyBytes(request.body);
  const text = asText(bytes);
  const body = bytes.length === 0 ? "" : text === null ? `,\n  body: Uint8Array.from(atob(${JSON.stringify(toBase64(bytes))}), (c) => c.charCodeAt(0))` : `,\n  body: ${JSON.stringify(text)}`;
  return `await fetch(${JSON.stringify(urlOf(exchange))}, {\n  method: ${JSON.stringify(request.method)},\n  headers: ${JSON.stringify(headers)}${body},\n});`;
}

// harOf is the exchange as an entry of an HTTP Archive (HAR 1.2).
export function harOf(exchange: Exchange): object {
  const { request, response, timings } = exchange;
  const ms = (duration: string | null | undefined) => { const s = seconds(duration); return s === null ? -1 : s * 1000; };
  const [whole, wait] = [Math.max(0, ms(timings?.duration)), Math.max(0, ms(timings?.first_byte))];
  return {
    startedDateTime: exchange.start_time, time: whole,
    request: {
      method: request?.method ?? "", url: urlOf(exchange), httpVersion: request?.http_version ?? "", cookies: [], headers: lines(request?.headers ?? []),
      queryString: [...new URLSearchParams(request?.query ?? "")].map(([name, value]) => ({ name, value })),
      ...postData(exchange), headersSize: -1, bodySize: Number(request?.body?.size ?? 0),
    },
    response: {
      status: response?.status_code ?? 0, statusText: "", httpVersion: request?.http_version ?? "", cookies: [], headers: lines(response?.headers ?? []),
      content: content(exchange), redirectURL: headerValue(response?.headers ?? [], "location"), headersSize: -1, bodySize: Number(response?.body?.size ?? 0),
    },
    cache: {},
    timings: { connect: ms(timings?.connect), ssl: ms(timings?.tls_handshake), send: 0, wait, receive: Math.max(0, whole - wait) },
    serverIPAddress: exchange.connection?.server_ip ?? "", _id: exchange.id,
  };
}

function lines(headers: Header[]) {
  return headers.map((h) => ({ name: h.name, value: h.value }));
}

function postData(exchange: Exchange) {
  const bytes = bodyBytes(exchange.request?.body);
  if (bytes.length === 0) return {};
  return { postData: { mimeType: headerValue(exchange.request?.headers ?? [], "content-type"), text: asText(bytes, true) ?? toBase64(bytes) } };
}

function content(exchange: Exchange) {
  const headers = exchange.response?.headers ?? [];
  const bytes = bodyBytes(exchange.response?.body);
  const text = asText(bytes, true);
  return { size: bytes.length, mimeType: headerValue(headers, "content-type"), ...(text === null ? { text: toBase64(bytes), encoding: "base64" } : { text }) };
}
