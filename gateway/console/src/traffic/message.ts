import type { Body, Exchange, Header } from "../api/types";
import { asText, fromBase64 } from "../format/bytes";

// headerValue is the first value of a header, case-insensitive; "" when absent.
export function headerValue(headers: Header[], name: string): string {
  return headers.find((h) => h.name.toLowerCase() === name)?.value ?? "";
}

// pathOf is path and query as the client wrote them.
export function pathOf(exchange: Exchange): string {
  const url = exchange.request?.url ?? "";
  const afterHost = /^[a-z]+:\/\/[^/?]*(.*)$/i.exec(url)?.[1];
  if (afterHost !== undefined) return afterHost === "" ? "/" : afterHost;
  const query = exchange.request?.query ?? "";
  return (exchange.request?.path ?? "/") + (query === "" ? "" : `?${query}`);
}

export type StatusClass = "none" | "info" | "ok" | "redirect" | "client" | "server";

export function statusClass(status: number | undefined): StatusClass {
  if (!status) return "none";
  const classes: StatusClass[] = ["info", "ok", "redirect", "client", "server"];
  return classes[Math.floor(status / 100) - 1] ?? "none";
}

export type BodyKind = "empty" | "json" | "xml" | "form" | "multipart" | "html" | "image" | "text" | "binary";

// bodyKind says how to show a body. The type that was declared counts, unless the
// content is not text at all.
export function bodyKind(contentType: string, bytes: Uint8Array, truncated: boolean): BodyKind {
  if (bytes.length === 0) return "empty";
  const media = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  if (media.startsWith("image/") && media !== "image/svg+xml") return "image";
  if (media.startsWith("multipart/")) return "multipart";
  const text = asText(bytes, truncated);
  if (text === null) return "binary";
  if (media === "application/json" || media.endsWith("+json")) return "json";
  if (media === "application/x-www-form-urlencoded") return "form";
  if (media === "text/html" || media === "application/xhtml+xml") return "html";
  if (media.endsWith("/xml") || media.endsWith("+xml")) return "xml";
  return media === "" && /^\s*[{[]/.test(text) ? "json" : "text";
}

export type View = "tree" | "pretty" | "fields" | "parts" | "preview" | "image" | "sent" | "hex";

// viewsOf are the ways to look at a kind of body, the best first.
export function viewsOf(kind: BodyKind): View[] {
  const own: Partial<Record<BodyKind, View[]>> = {
    json: ["tree", "pretty", "sent"], xml: ["pretty", "sent"], form: ["fields", "sent"], multipart: ["parts", "sent"], html: ["sent", "preview"], image: ["image"], text: ["sent"],
  };
  return [...(own[kind] ?? []), "hex"];
}

// bodyBytes is what was kept of a body.
export function bodyBytes(body: Body | null | undefined): Uint8Array<ArrayBuffer> {
  return fromBase64(body?.content ?? "");
}

function lines(headers: Header[]): string {
  return headers.map((h) => `${h.name}: ${h.value}\r\n`).join("");
}

// rawHead is a message's head as HTTP/1.1 writes it.
export function rawHead(exchange: Exchange, part: "request" | "response"): string {
  const { request, response } = exchange;
  if (part === "request") {
    if (request === null) return "";
    return `${request.method} ${pathOf(exchange)} ${request.http_version}\r\n${lines(request.headers)}\r\n`;
  }
  if (response === null) return "";
  return `${request?.http_version ?? "HTTP/1.1"} ${response.status_code}\r\n${lines(response.headers)}\r\n`;
}
