export type TokenKind = "key" | "string" | "number" | "word" | "mark" | "text";

export interface Token {
  kind: TokenKind;
  text: string;
}

export interface Pretty {
  tokens: Token[];
  // Why the text is not JSON; empty when it is.
  problem: string;
}

const scanner = /"(?:[^"\\\n]|\\.)*"?|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]|[^\s{}[\],:"]+/g;

export function scan(source: string): string[] {
  return source.match(scanner) ?? [];
}

// prettyJson indents JSON and marks its parts. It changes nothing but white space,
// so numbers keep all their digits; what is not JSON (a body that was cut) is
// indented as far as it goes.
export function prettyJson(source: string): Pretty {
  const found = scan(source);
  const tokens: Token[] = [];
  let depth = 0;
  const newline = () => tokens.push({ kind: "text", text: "\n" + "  ".repeat(Math.max(0, depth)) });
  found.forEach((text, i) => {
    const next = found[i + 1];
    if (text === "{" || text === "[") {
      tokens.push({ kind: "mark", text });
      depth++;
      if (next !== "}" && next !== "]") newline();
    } else if (text === "}" || text === "]") {
      depth--;
      const previous = found[i - 1];
      if (previous !== "{" && previous !== "[") newline();
      tokens.push({ kind: "mark", text });
    } else if (text === ",") {
      tokens.push({ kind: "mark", text });
      newline();
    } else if (text === ":") {
      tokens.push({ kind: "mark", text: ": " });
    } else {
      tokens.push({ kind: kindOf(text, next), text });
    }
  });
  return { tokens, problem: problemOf(source) };
}

function kindOf(text: string, next: string | undefined): TokenKind {
  if (text.startsWith('"')) return next === ":" ? "key" : "string";
  if (/^-?\d/.test(text)) return "number";
  return text === "true" || text === "false" || text === "null" ? "word" : "text";
}

function problemOf(source: string): string {
  try {
    JSON.parse(source);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export function plain(tokens: Token[]): string {
  return tokens.map((t) => t.text).join("");
}
