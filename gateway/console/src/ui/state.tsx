import type { ReactNode } from "react";
import { ApiError, isMissing, messageOf } from "../api/client";
import { Button } from "./button";

export function Loading({ what }: { what: string }) {
  return (
    <div className="state" role="status" aria-live="polite">
      <span className="spinner" aria-hidden="true" /> Loading {what}…
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state" data-testid="empty">
      <strong>{title}</strong>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

// Failed shows what went wrong and lets people try again.
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  if (isMissing(error)) return <div className="state" data-testid="unavailable">Not available: the service behind this gateway does not offer it.</div>;
  return (
    <div className="state failed" role="alert">
      <strong>{messageOf(error)}</strong>
      <Violations error={error} />
      {error instanceof ApiError && error.detail.request_id !== "" && <p className="faint">Request {error.detail.request_id}</p>}
      {retry !== undefined && <Button onClick={retry}>Try again</Button>}
    </div>
  );
}

// Problem is Failed in one line, for forms.
export function Problem({ error }: { error: unknown }) {
  if (error === null || error === undefined) return null;
  return (
    <div className="problem" role="alert">
      {messageOf(error)}
      <Violations error={error} />
    </div>
  );
}

function Violations({ error }: { error: unknown }) {
  if (!(error instanceof ApiError) || error.detail.violations.length === 0) return null;
  return (
    <ul>
      {error.detail.violations.map((v, i) => (
        <li key={i}>
          <code>{v.field}</code>
          {v.line !== undefined && ` (line ${v.line}, column ${v.column ?? 1})`}: {v.message}
          {v.hint !== undefined && v.hint !== "" && <span className="hint"> {v.hint}</span>}
        </li>
      ))}
    </ul>
  );
}
