import type { ReactNode } from "react";

export type Tone = "good" | "bad" | "warn" | "info" | "plain";

export function Badge({ tone = "plain", children, title, testid }: { tone?: Tone; children: ReactNode; title?: string; testid?: string }) {
  return <span className={`badge ${tone}`} title={title} data-testid={testid}>{children}</span>;
}
