import { ranges, type Range } from "../format/time";
import { hasTerm, withTerm, type Fault } from "../search/position";
import { SearchBox } from "../search/search-box";
import { Button } from "../ui/button";
import type { LiveState } from "./use-exchanges";

interface Props {
  filter: string;
  range: Range;
  live: boolean;
  state: LiveState;
  fault: Fault | null;
  onFilter: (filter: string) => void;
  onRange: (id: string) => void;
  onLive: () => void;
  onReady: (focus: () => void) => void;
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

export function Toolbar({ filter, range, live, state, fault, onFilter, onRange, onLive, onReady }: Props) {
  return (
    <div className="toolbar">
      <div className="toolbar-row">
        <SearchBox value={filter} onSubmit={onFilter} fault={fault} onReady={onReady} />
        {filter !== "" && <Button kind="quiet" onClick={() => onFilter("")}>Clear</Button>}
        <select aria-label="Time range" value={range.id} onChange={(e) => onRange(e.target.value)}>
          {ranges.map((r) => <option key={r.id} value={r.id}>Past {r.label}</option>)}
        </select>
        <Button className={`live ${live ? state : "off"}`} aria-pressed={live} onClick={onLive} title="l" data-testid="live-toggle">
          <span className="dot" aria-hidden="true" />{live ? stateText[state] : "Paused"}
        </Button>
      </div>
      {fault !== null && (
        <div className="search-problem" role="alert" data-testid="search-problem">
          {fault.message}{fault.hint !== "" && <span className="hint"> {fault.hint}</span>}
        </div>
      )}
      <div className="chips" role="group" aria-label="Quick filters">
        {chips.map((c) => (
          <button key={c.term} type="button" className="chip" aria-pressed={hasTerm(filter, c.term)} title={c.term} onClick={() => onFilter(withTerm(filter, c.term))}>
            {c.label}
          </button>
        ))}
      </div>
    </div>
  );
}
