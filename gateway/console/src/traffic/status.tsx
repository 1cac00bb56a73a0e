import { statusClass } from "./message";

// Status is a response's code; a dash when none was sent.
export function Status({ code }: { code: number | undefined }) {
  const kind = statusClass(code);
  return <span className={`status ${kind}`} title={kind === "none" ? "The client got no answer" : undefined}>{kind === "none" ? "–" : code}</span>;
}
