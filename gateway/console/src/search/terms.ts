// termsOf splits a filter at the spaces that are outside quotes and parentheses.
export function termsOf(filter: string): string[] {
  const terms: string[] = [];
  let term = "";
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < filter.length; i++) {
    const c = filter[i] ?? "";
    if (c === "\\") {
      term += c + (filter[++i] ?? "");
      continue;
    }
    if (c === '"') quoted = !quoted;
    if (!quoted && (c === "(" || c === "[" || c === "{")) depth++;
    if (!quoted && (c === ")" || c === "]" || c === "}")) depth--;
    if (/\s/.test(c) && !quoted && depth <= 0) {
      if (term !== "") terms.push(term);
      term = "";
    } else {
      term += c;
    }
  }
  return term === "" ? terms : [...terms, term];
}

// isCel tells whether a filter is a CEL expression; terms cannot be added to one.
export function isCel(filter: string): boolean {
  return filter.trimStart().startsWith("cel:");
}

// withTerm adds a term to a filter, or removes it when the filter has it.
export function withTerm(filter: string, term: string): string {
  const terms = termsOf(filter);
  const without = terms.filter((t) => t !== term);
  if (without.length < terms.length) return without.join(" ");
  return [...(terms.includes("OR") ? [`(${terms.join(" ")})`] : terms.filter((t) => t !== negated(term))), term].join(" ");
}

export function hasTerm(filter: string, term: string): boolean {
  return termsOf(filter).includes(term);
}

// negated is a term that selects what the given one does not.
export function negated(term: string): string {
  return term.startsWith("-") ? term.slice(1) : termsOf(term).length > 1 ? `-(${term})` : `-${term}`;
}

// termFor selects one value of a field; exchanges without the field when it is "".
export function termFor(field: string, value: string): string {
  return value === "" ? `-${field}:*` : `${field}:${quoted(value)}`;
}

// quoted is a value as the search syntax wants it.
export function quoted(value: string): string {
  if (/^[\w./-]+$/.test(value) && !value.startsWith("-")) return value;
  return `"${value.replace(/[\\"]/g, "\\$&")}"`;
}
