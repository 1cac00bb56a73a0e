import type { Exchange } from "../api/types";
import { CopyButton } from "../ui/button";
import { Popover } from "../ui/popover";
import { fetchOf, harOf } from "./copies";
import { curlOf } from "./curl";

// CopyMenu puts the exchange on the clipboard in the forms that people paste.
export function CopyMenu({ exchange }: { exchange: Exchange }) {
  const { left } = curlOf(exchange);
  return (
    <Popover label="Copy" name="Copy" testid="copy-menu">
      {() => (
        <div className="copy-menu">
          <CopyButton kind="quiet" className="item" text={() => curlOf(exchange).command}>As curl</CopyButton>
          <CopyButton kind="quiet" className="item" text={() => fetchOf(exchange)}>As fetch</CopyButton>
          <CopyButton kind="quiet" className="item" text={() => JSON.stringify(harOf(exchange), null, 2)}>As HAR entry</CopyButton>
          <CopyButton kind="quiet" className="item" text={() => window.location.href}>Link to this view</CopyButton>
          {left.length > 0 && <p className="hint">Without {left.join(", ")}: redacted.</p>}
        </div>
      )}
    </Popover>
  );
}
