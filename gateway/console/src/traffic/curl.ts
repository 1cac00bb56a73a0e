import type { Exchange } from "../api/types";
import { asText } from "../format/bytes";
import { urlOf } from "./copies";
import { bodyBytes } from "./message";

// shell quotes one word for POSIX shells; control characters need bash's $'…'.
export function shell(word: string): string {
  if (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word)) return word;
  if (!/[\u0000-\u001f\u007f]/.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  const escaped = word.replace(/[\\'\u0000-\u001f\u007f]/g, (c) =>
    c === "\n" ? "\\n" : c === "\r" ? "\\r" : c === "\t" ? "\\t" : c === "\\" || c === "'" ? `\\${c}` : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `$'${escaped}'`;
}

// curl sets these itself.
const own = new Set(["host", "content-length", "connection", "transfer-encoding", "accept-encoding"]);

export interface Curl {
  command: string;
  // Names of headers whose values are not known, because redaction removed them.
  left: string[];
}

// curlOf is the command that sends the recorded request again.
export function curlOf(exchange: Exchange): Curl {
  const request = exchange.request;
  if (request === null) return { command: "", left: [] };
  const words = ["curl", ...(request.method === "GET" ? [] : ["-X", request.method]), shell(urlOf(exchange))];
  const left: string[] = [];
  for (const h of request.headers) {
    if (own.has(h.name.toLowerCase())) continue;
    if (h.redacted_by !== "") left.push(h.name);
    else words.push("-H", shell(`${h.name}: ${h.value}`));
  }
  const bytes = bodyBytes(request.body);
  const text = asText(bytes);
  if (bytes.length > 0 && text !== null) words.push("--data-binary", shell(text));
  else if (bytes.length > 0) words.push("--data-binary", "@body.bin");
  return { command: words.join(" "), left };
}
