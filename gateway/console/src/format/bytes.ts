// fromBase64 decodes a body as the API carries it.
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) out[i] = binary.charCodeAt(i);
  return out;
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

// asText is the text of bytes when they are UTF-8, else null. The last character
// may be cut off, as captures cut bodies anywhere.
export function asText(bytes: Uint8Array, truncated = false): string | null {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    const text = decoder.decode(bytes, { stream: truncated });
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

// hexDump shows 16 bytes per line: offset, hex, printable characters.
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const hex = Array.from(row, (b) => b.toString(16).padStart(2, "0"));
    const left = hex.slice(0, 8).join(" ").padEnd(23);
    const right = hex.slice(8).join(" ").padEnd(23);
    const chars = Array.from(row, (b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${left}  ${right}  ${chars}`);
  }
  return lines.join("\n");
}

// decoded undoes a content coding as far as browsers can; null when they cannot.
// What comes out of a truncated body ends early.
export async function decoded(bytes: Uint8Array<ArrayBuffer>, coding: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const format = ({ gzip: "gzip", "x-gzip": "gzip", deflate: "deflate" } as const)[coding.trim().toLowerCase()];
  if (format === undefined) return null;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format)).getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
  } catch {
    if (parts.length === 0) return null;
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
