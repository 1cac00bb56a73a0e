// Header maps are written as lines, "name: value".
export function parseHeaders(text: string): { headers: Record<string, string>; problem: string } {
  const headers: Record<string, string> = {};
  let problem = "";
  text.split("\n").forEach((line, i) => {
    if (line.trim() === "") return;
    const colon = line.indexOf(":");
    if (colon < 1) problem ||= `Line ${i + 1} is not "name: value".`;
    else headers[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
  });
  return { headers, problem };
}
