// prettyXml puts each element on a line of its own, indented. Text stays beside the
// element that has it, and nothing but white space between elements changes.
export function prettyXml(source: string): string {
  const parts = source.match(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<[^>]*>|[^<]+/g) ?? [];
  const lines: string[] = [];
  let depth = 0;
  let open = false; // the last line is a start tag, perhaps with text
  for (const part of parts) {
    if (!part.startsWith("<")) {
      if (part.trim() === "") continue;
      if (open) lines[lines.length - 1] += part.trim();
      else lines.push(indent(depth) + part.trim());
    } else if (part.startsWith("</")) {
      depth = Math.max(0, depth - 1);
      if (open) lines[lines.length - 1] += part;
      else lines.push(indent(depth) + part);
      open = false;
    } else {
      lines.push(indent(depth) + part);
      open = !/^<[?!]|\/>$/.test(part);
      if (open) depth++;
    }
  }
  return lines.join("\n");
}

function indent(depth: number): string {
  return "  ".repeat(depth);
}

// xmlProblem is why a text is not XML, with its position; empty when it is.
export function xmlProblem(source: string): string {
  const fault = new DOMParser().parseFromString(source, "application/xml").querySelector("parsererror");
  const found = /error on line (\d+) at column (\d+): ([^\n]*)/.exec(fault?.textContent ?? "");
  if (fault === null) return "";
  return found === null ? "it cannot be read" : `line ${found[1]}, column ${found[2]}: ${found[3]}`;
}
