import { afterEach, expect, test, vi } from "vitest";
import { EventParser, follow, type ServerEvent } from "./sse";

function parse(...chunks: string[]): ServerEvent[] {
  const out: ServerEvent[] = [];
  const parser = new EventParser((e) => out.push(e));
  for (const c of chunks) parser.push(c);
  return out;
}

afterEach(() => vi.unstubAllGlobals());

test("events come whole from any pieces", () => {
  expect(parse("retry: 1000\n\n: alive\n\nid: 7\nev", "ent: exchange\ndata: {\"a\":", "1}\n\nda", "ta: x\r\ndata: y\r\n\r\n")).toEqual([
    { id: "7", event: "exchange", data: '{"a":1}' },
    { id: "7", event: "message", data: "x\ny" },
  ]);
});

test("an unfinished event is not given", () => {
  expect(parse("id: 1\ndata: x\n")).toEqual([]);
});

test("a broken stream is resumed after the last event", async () => {
  const positions: (string | undefined)[] = [];
  const stop = new AbortController();
  vi.stubGlobal("fetch", async (_: string, init: { headers: Record<string, string> }) => {
    positions.push(init.headers["last-event-id"]);
    return new Response(`id: ${positions.length}\ndata: x\n\n`, { headers: { "content-type": "text/event-stream" } });
  });
  await follow("/tail", stop.signal, {
    onOpen: () => {},
    onBreak: () => {},
    onEvent: () => { if (positions.length === 2) stop.abort(); },
  });
  expect(positions).toEqual([undefined, "1"]);
});

test("a refused request is not tried again", async () => {
  let calls = 0;
  vi.stubGlobal("fetch", async () => {
    calls++;
    return new Response(JSON.stringify({ error: { message: "bad filter", status: 400, violations: [] } }), { status: 400 });
  });
  const breaks: boolean[] = [];
  await follow("/tail", new AbortController().signal, { onOpen: () => {}, onEvent: () => {}, onBreak: (_, again) => breaks.push(again) });
  expect([calls, breaks]).toEqual([1, [false]]);
});
