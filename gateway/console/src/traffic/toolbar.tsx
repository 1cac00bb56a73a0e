import type { ReactNode } from "react";
import type { Span } from "../format/span";
import type { Fault } from "../search/position";
import { SearchBox } from "../search/search-box";
import { hasTerm, isCel, withTerm } from "../search/terms";
import { Button } from "../ui/button";
import { RangePicker } from "../ui/range-picker";
import type { LiveState } from "./use-live";

interface Props {
  filter: string;
  span: Span;
  live: boolean;
  state: LiveState;
  // Why the list cannot be live; empty when it can.
  still: string;
  fault: Fault | null;
  onFilter: (filter: string) => void;
  onSpan: (span: Span) => void;
  onLive: () => void;
  onReady: (focus: () => void) => void;
  // Menus at the end of the second row.
  children: ReactNode;
}

const chips = [
  { term: "status:2xx", label: "2xx" },
  { term: "status:3xx", label: "3xx" },
  { term: "status:4xx", label: "4xx" },
  { term: "status:5xx", label: "5xx" },
  { term: "@error.kind:*", label: "Gateway errors" },
  { term: "action:rate-limit", label: "Rate limited" },
  { term: "replay:*", label: "Replays" },
  { term: "duration:>1s", label: "Over 1 s" },
];

const stateText: Record<LiveState, string> = { off: "Paused", connecting: "Connecting…", live: "Live", broken: "Reconnecting…" };

export function Toolbar({ filter, span, live, state, still, fault, onFilter, onSpan, onLive, onReady, children }: Props) {
  return (
    <div className="toolbar">
      <div className="toolbar-row">
        <SearchBox value={filter} onSubmit={onFilter} fault={fault} onReady={onReady} />
        {filter !== "" && <Button kind="quiet" onClick={() => onFilter("")}>Clear</Button>}
        <RangePicker span={span} onChange={onSpan} />
        <Button className={`live ${live ? state : "off"}`} aria-pressed={live} disabled={still !== ""} onClick={onLive} title={still || "l"} data-testid="live-toggle">
          <span className="dot" aria-hidden="true" />{live ? stateText[state] : "Paused"}
        </Button>
      </div>
      <div className="toolbar-row">
        <div className="chips" role="group" aria-label="Quick filters">
          {chips.map((c) => (
            <button key={c.term} type="button" className="chip" disabled={isCel(filter)} aria-pressed={hasTerm(filter, c.term)} title={c.term} onClick={() => onFilter(withTerm(filter, c.term))}>
              {c.label}
            </button>
          ))}
        </div>
        <div className="toolbar-menus">{children}</div>
      </div>
    </div>
  );
}
