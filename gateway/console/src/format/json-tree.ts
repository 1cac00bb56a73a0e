import { scan } from "./json";

// Node is a part of a JSON text; leaves keep their text, with every digit.
export interface Node {
  // Its name in an object, as written; null elsewhere.
  key: string | null;
  kind: "object" | "array" | "leaf";
  text: string;
  items: Node[];
}

// most is how many nodes a page can show; longer texts are shown as text.
const most = 20_000;

// jsonTree reads a JSON text; null when it is none, was cut, or is too long.
export function jsonTree(source: string): Node | null {
  try {
    JSON.parse(source);
  } catch {
    return null;
  }
  const reader = new Reader(scan(source));
  const root = reader.value(null);
  return reader.count > most ? null : root;
}

class Reader {
  count = 0;
  private at = 0;
  private readonly tokens: string[];

  constructor(tokens: string[]) {
    this.tokens = tokens;
  }

  value(key: string | null): Node {
    this.count++;
    const token = this.tokens[this.at++] ?? "";
    if (token === "{") return { key, kind: "object", text: "", items: this.items("}", true) };
    if (token === "[") return { key, kind: "array", text: "", items: this.items("]", false) };
    return { key, kind: "leaf", text: token, items: [] };
  }

  private items(end: string, named: boolean): Node[] {
    const items: Node[] = [];
    while (this.at < this.tokens.length && this.tokens[this.at] !== end) {
      let key: string | null = null;
      if (named) {
        key = this.tokens[this.at] ?? "";
        this.at += 2; // the name and its colon
      }
      items.push(this.value(key));
      if (this.tokens[this.at] === ",") this.at++;
    }
    this.at++;
    return items;
  }
}
