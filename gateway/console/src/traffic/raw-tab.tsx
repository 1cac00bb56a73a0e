import type { Exchange } from "../api/types";
import { asText, hexDump } from "../format/bytes";
import { CopyButton } from "../ui/button";
import { bodyBytes, rawHead } from "./message";

// RawTab shows both messages as HTTP/1.1 would write them.
export function RawTab({ exchange }: { exchange: Exchange }) {
  return (
    <>
      <Message title="Request" head={rawHead(exchange, "request")} bytes={bodyBytes(exchange.request?.body)} />
      <Message title="Response" head={rawHead(exchange, "response")} bytes={bodyBytes(exchange.response?.body)} />
    </>
  );
}

function Message({ title, head, bytes }: { title: string; head: string; bytes: Uint8Array }) {
  const body = asText(bytes, true) ?? hexDump(bytes);
  if (head === "") return null;
  return (
    <section>
      <div className="body-head"><h2>{title}</h2><CopyButton kind="quiet" text={() => head + body}>Copy</CopyButton></div>
      <pre className="body">{head.replaceAll("\r\n", "\n")}{body}</pre>
    </section>
  );
}
