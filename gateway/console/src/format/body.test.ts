import { expect, test } from "vitest";
import { asText, decoded, fromBase64, hexDump, toBase64 } from "./bytes";
import { plain, prettyJson } from "./json";
import { jsonTree } from "./json-tree";
import { boundaryOf, partsOf } from "./multipart";
import { prettyXml } from "./xml";

const bytes = (text: string) => new TextEncoder().encode(text);

test("base64 goes there and back", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(fromBase64(toBase64(all))).toEqual(all);
});

test("text is told from binary", () => {
  expect(asText(bytes("grüße\n"))).toBe("grüße\n");
  expect(asText(new Uint8Array([0, 1, 2]))).toBeNull();
  expect(asText(new Uint8Array([0xff, 0xfe]))).toBeNull();
  const cut = bytes("aü").subarray(0, 2);
  expect(asText(cut)).toBeNull();
  expect(asText(cut, true)).toBe("a");
});

test("hex dump", () => {
  expect(hexDump(bytes("GET / HTTP/1.1\r\nx"))).toBe(
    "00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  GET / HTTP/1.1..\n" +
      "00000010  78                                                x",
  );
});

test("gzip is undone, also when it was cut; unknown codings are not", async () => {
  const text = "abcdefghij".repeat(5000);
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  expect(asText((await decoded(packed, "gzip"))!)).toBe(text);
  expect(await decoded(packed, "br")).toBeNull();
  expect(await decoded(bytes("no gzip"), "gzip")).toBeNull();
});

test("JSON is indented and keeps every digit", () => {
  const { tokens, problem } = prettyJson('{"id":12345678901234567890,"a":[1,-2.50],"e":{},"f":[],"s":"x\\"{y","n":null}');
  expect(problem).toBe("");
  expect(plain(tokens)).toBe(
    '{\n  "id": 12345678901234567890,\n  "a": [\n    1,\n    -2.50\n  ],\n  "e": {},\n  "f": [],\n  "s": "x\\"{y",\n  "n": null\n}',
  );
  expect(tokens.filter((t) => t.kind === "key").map((t) => t.text)).toEqual(['"id"', '"a"', '"e"', '"f"', '"s"', '"n"']);
});

test("JSON that was cut is still shown, with its fault", () => {
  const { tokens, problem } = prettyJson('{"a":{"b":"long te');
  expect(problem).not.toBe("");
  expect(plain(tokens)).toBe('{\n  "a": {\n    "b": "long te');
});

test("JSON becomes a tree that keeps every digit", () => {
  const tree = jsonTree('{"id": 12345678901234567890, "a": [1, {"b": "x,]"}], "e": {}}');
  expect(tree).toMatchObject({ kind: "object", key: null, items: [
    { key: '"id"', kind: "leaf", text: "12345678901234567890" },
    { key: '"a"', kind: "array", items: [{ text: "1" }, { kind: "object", items: [{ key: '"b"', text: '"x,]"' }] }] },
    { key: '"e"', kind: "object", items: [] },
  ] });
  expect(jsonTree('{"a":')).toBeNull();
  expect(jsonTree(`[${"1,".repeat(30_000)}1]`)).toBeNull();
});

test("XML is indented", () => {
  expect(prettyXml('<?xml version="1.0"?><a><b c="1">x</b><d/> <!-- n --> </a>')).toBe('<?xml version="1.0"?>\n<a>\n  <b c="1">x</b>\n  <d/>\n  <!-- n -->\n</a>');
});

test("multipart bodies are taken apart, also when they were cut", () => {
  expect(boundaryOf('multipart/form-data; charset=x; boundary="a b"')).toBe("a b");
  expect(boundaryOf("multipart/mixed; boundary=zz; x=1")).toBe("zz");
  expect(boundaryOf("text/plain; boundary=zz")).toBe("");
  const body = bytes('--zz\r\nContent-Disposition: form-data; name="a\\"b"; filename=f.txt\r\n\r\none\r\ntwo\r\n--zz\r\nContent-Disposition: form-data; name=c\r\n\r\ncut');
  const parts = partsOf(body, "zz");
  expect(parts.map((p) => [p.name, p.file, asText(p.bytes)])).toEqual([['a"b', "f.txt", "one\r\ntwo"], ["c", "", "cut"]]);
  expect(partsOf(bytes("--zz--"), "zz")).toEqual([]);
});
