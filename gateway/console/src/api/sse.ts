// Server-sent events over fetch: EventSource cannot send an authorization header.
import { failure, type ApiError } from "./client";
import { authorization } from "./token";

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

// EventParser takes the stream in any pieces and gives whole events (WHATWG HTML,
// section 9.2.6), as far as the gateway uses them.
export class EventParser {
  private rest = "";
  private event = blank();
  private emit: (event: ServerEvent) => void;

  constructor(emit: (event: ServerEvent) => void) {
    this.emit = emit;
  }

  push(chunk: string) {
    const lines = (this.rest + chunk).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  private line(line: string) {
    if (line === "") {
      if (this.event.data !== "") this.emit({ ...this.event, data: this.event.data.slice(0, -1) });
      this.event = { ...blank(), id: this.event.id };
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") this.event.id = value;
    else if (name === "event") this.event.event = value;
    else if (name === "data") this.event.data += value + "\n";
  }
}

function blank(): ServerEvent {
  return { id: "", event: "message", data: "" };
}

export interface Follower {
  onOpen: () => void;
  onEvent: (event: ServerEvent) => void;
  // The gateway refused, or the connection broke; a new attempt follows unless
  // the gateway said that the request itself is wrong.
  onBreak: (error: ApiError | null, again: boolean) => void;
}

// follow reads a stream until signal aborts, and resumes after breaks where it left off.
export async function follow(target: string, signal: AbortSignal, f: Follower): Promise<void> {
  let position = "";
  let wait = 500;
  while (!signal.aborted) {
    const refused = await attempt(target, position, signal, {
      ...f,
      onOpen: () => {
        wait = 500;
        f.onOpen();
      },
      onEvent: (event) => {
        if (event.id !== "") position = event.id;
        f.onEvent(event);
      },
    });
    if (signal.aborted || refused) return;
    await sleep(wait, signal);
    wait = Math.min(wait * 2, 10_000);
  }
}

// attempt tells whether trying again is useless.
async function attempt(target: string, position: string, signal: AbortSignal, f: Follower): Promise<boolean> {
  try {
    const resume: Record<string, string> = position === "" ? {} : { "last-event-id": position };
    const response = await fetch(target, { headers: { accept: "text/event-stream", ...authorization(), ...resume }, signal });
    if (!response.ok || response.body === null) {
      const error = await failure(response);
      const useless = error.detail.status >= 400 && error.detail.status < 500;
      f.onBreak(error, !useless);
      return useless;
    }
    f.onOpen();
    const parser = new EventParser(f.onEvent);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) parser.push(part.value);
  } catch {
    if (signal.aborted) return true;
  }
  f.onBreak(null, true);
  return false;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
