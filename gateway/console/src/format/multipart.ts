export interface Part {
  headers: { name: string; value: string }[];
  // Of Content-Disposition; "" when it has none.
  name: string;
  file: string;
  bytes: Uint8Array<ArrayBuffer>;
}

// boundaryOf reads the boundary of a multipart media type (RFC 2046, section 5.1).
export function boundaryOf(contentType: string): string {
  const found = /^\s*multipart\/[^;]+;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
  return found?.[1] ?? found?.[2] ?? "";
}

// partsOf takes a multipart body apart. The last part may be cut.
export function partsOf(bytes: Uint8Array<ArrayBuffer>, boundary: string): Part[] {
  const mark = new TextEncoder().encode(`--${boundary}`);
  const parts: Part[] = [];
  for (let at = indexOf(bytes, mark, 0); at >= 0; ) {
    const start = at + mark.length;
    if (bytes[start] === 0x2d && bytes[start + 1] === 0x2d) break; // "--" ends it
    const next = indexOf(bytes, mark, start);
    const end = next < 0 ? bytes.length : next - 2;
    parts.push(partOf(bytes.subarray(start, Math.max(start, end))));
    at = next;
  }
  return parts;
}

function partOf(bytes: Uint8Array<ArrayBuffer>): Part {
  const blank = indexOf(bytes, new TextEncoder().encode("\r\n\r\n"), 0);
  const head = new TextDecoder().decode(bytes.subarray(0, blank < 0 ? bytes.length : blank));
  const headers = head.split("\r\n").filter((l) => l.includes(":")).map((l) => ({ name: l.slice(0, l.indexOf(":")).trim(), value: l.slice(l.indexOf(":") + 1).trim() }));
  const disposition = headers.find((h) => h.name.toLowerCase() === "content-disposition")?.value ?? "";
  return { headers, name: parameter(disposition, "name"), file: parameter(disposition, "filename"), bytes: blank < 0 ? new Uint8Array() : bytes.slice(blank + 4) };
}

function parameter(text: string, name: string): string {
  const found = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, "i").exec(text);
  return found?.[1]?.replace(/\\(.)/g, "$1") ?? found?.[2] ?? "";
}

function indexOf(bytes: Uint8Array, mark: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(mark[0] ?? 0, from); at >= 0; at = bytes.indexOf(mark[0] ?? 0, at + 1)) {
    if (mark.every((b, i) => bytes[at + i] === b)) return at;
  }
  return -1;
}
