import { useMemo, useState } from "react";
import type { Exchange, Message } from "../api/types";
import { asText, fromBase64, hexDump } from "../format/bytes";
import { bytesText, countText, durationText, seconds } from "../format/numbers";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { BodyContent } from "./body-content";

const kinds: Record<Message["kind"], string> = {
  KIND_UNSPECIFIED: "", KIND_TEXT: "text", KIND_BINARY: "binary", KIND_PING: "ping", KIND_PONG: "pong", KIND_CLOSE: "close", KIND_EVENT: "event", KIND_GRPC: "gRPC",
};
const step = 200;

// MessagesTab lists the messages of a WebSocket, a gRPC call or an event stream.
export function MessagesTab({ exchange }: { exchange: Exchange }) {
  const [side, setSide] = useState("");
  const [shown, setShown] = useState(step);
  const all = exchange.messages.filter((m) => side === "" || m.direction === side);
  if (exchange.messages.length === 0) return <p className="faint">{exchange.full_capture ? "No messages: this was one request and one response." : "Messages are recorded in full capture only."}</p>;
  return (
    <section data-testid="messages">
      <div className="body-head">
        <h2>Messages <span className="faint">{countText(exchange.messages.length)}</span></h2>
        <select aria-label="Direction" value={side} onChange={(e) => setSide(e.target.value)}>
          <option value="">Both ways</option>
          <option value="DIRECTION_CLIENT_TO_SERVER">From the client</option>
          <option value="DIRECTION_SERVER_TO_CLIENT">To the client</option>
        </select>
      </div>
      {exchange.omitted_messages !== "0" && <p className="note">{countText(exchange.omitted_messages)} more were seen and not kept: beyond the limits of capture.</p>}
      <ol className="messages">{all.slice(0, shown).map((m, i) => <MessageView key={i} message={m} />)}</ol>
      {all.length > shown && <Button onClick={() => setShown(shown + step)}>Show more</Button>}
    </section>
  );
}

function MessageView({ message }: { message: Message }) {
  const [open, setOpen] = useState(false);
  const bytes = useMemo(() => fromBase64(message.content), [message.content]);
  const out = message.direction === "DIRECTION_CLIENT_TO_SERVER";
  const text = asText(bytes, message.truncated);
  const json = text !== null && /^\s*[{[]/.test(text);
  return (
    <li className={out ? "out" : "in"}>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} data-testid="message">
        <span className="way" title={out ? "From the client" : "To the client"} aria-label={out ? "From the client" : "To the client"}>{out ? "↑" : "↓"}</span>
        <span className="number faint">+{durationText(seconds(message.offset))}</span>
        <Badge>{kinds[message.kind]}</Badge>
        <span className="mono preview">{text === null ? hexDump(bytes.subarray(0, 16)).slice(10, 58) : text.slice(0, 300)}</span>
        <span className="number faint">{bytesText(message.size)}</span>
      </button>
      {open && (
        <>
          {message.truncated && <p className="note">Only the first {bytesText(bytes.length)} of {bytesText(message.size)} were kept.</p>}
          {message.compressed && <p className="note">Compressed, as it was sent.</p>}
          <BodyContent view={message.compressed || text === null ? "hex" : json ? "tree" : "sent"} kind={json ? "json" : "text"} bytes={bytes} type="" truncated={message.truncated} />
        </>
      )}
    </li>
  );
}
