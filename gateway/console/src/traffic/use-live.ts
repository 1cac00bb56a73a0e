import { useEffect, useRef, useState } from "react";
import { url, type ApiError } from "../api/client";
import { follow } from "../api/sse";
import type { Exchange } from "../api/types";
import { LiveRows, Meter } from "./live";
import { rowOf } from "./row";

export type LiveState = "off" | "connecting" | "live" | "broken";

export interface Live {
  state: LiveState;
  rows: LiveRows;
  // Grows with each batch that was put into rows.
  version: number;
  // Exchanges that came faster than can be shown, and are only in the store.
  skipped: number;
}

// More than this a second is sampled: nobody reads faster, and the page stays quick.
const perSecond = 2000;
const burst = 10_000;

const none = new LiveRows(1);
const off: Live = { state: "off", rows: none, version: 0, skipped: 0 };

// useLive follows exchanges as they are stored, and draws them once a frame. onOpen
// is called when the stream begins, so that what was stored just before is read.
export function useLive(filter: string, on: boolean, onOpen: () => void): Live {
  const [live, setLive] = useState<Live>(off);
  const opened = useRef(onOpen);
  useEffect(() => {
    opened.current = onOpen;
  });
  useEffect(() => {
    if (!on) return;
    const stop = new AbortController();
    const rows = new LiveRows();
    const meter = new Meter(perSecond, burst);
    const change = (part: Partial<Live>) => setLive((l) => ({ ...l, ...part, rows, skipped: meter.skipped }));
    const batch = new Frames((texts) => {
      for (const text of texts) rows.add(rowOf(JSON.parse(text) as Exchange));
      setLive((l) => ({ ...l, rows, skipped: meter.skipped, version: l.version + 1 }));
    });
    void follow(url("/api/v1/exchanges:tail", undefined, { filter }), stop.signal, {
      onOpen: () => { change({ state: "live" }); opened.current(); },
      onEvent: (e) => { if (e.event === "exchange" && meter.take(performance.now())) batch.add(e.data); },
      onBreak: (error: ApiError | null, again) => change({ state: again || error === null ? "broken" : "off" }),
    });
    return () => {
      stop.abort();
      batch.stop();
      setLive(off);
    };
  }, [filter, on]);
  if (!on) return off;
  return live.state === "off" && live.version === 0 ? { ...live, state: "connecting" } : live;
}

// Frames hands over what was added since the last frame. A page in the background
// has no frames; it gets its rows once a second.
class Frames {
  private waiting: string[] = [];
  private frame = 0;
  private timer = 0;
  private readonly run: (texts: string[]) => void;

  constructor(run: (texts: string[]) => void) {
    this.run = run;
  }

  add(text: string) {
    this.waiting.push(text);
    if (this.waiting.length > 1) return;
    if (document.hidden) this.timer = window.setTimeout(() => this.flush(), 1000);
    else this.frame = requestAnimationFrame(() => this.flush());
    // A page that is hidden meanwhile gets no frame.
    if (this.timer === 0) this.timer = window.setTimeout(() => this.flush(), 1000);
  }

  private flush() {
    const texts = this.waiting;
    this.stop();
    if (texts.length > 0) this.run(texts);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.timer = 0;
    this.waiting = [];
  }
}
