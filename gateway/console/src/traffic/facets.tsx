import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, isMissing } from "../api/client";
import type { Facet } from "../api/types";
import { countText } from "../format/numbers";
import { boundsOf, lengthOf, type Span } from "../format/span";
import { hasTerm, isCel, negated, withTerm } from "../search/terms";
import { Failed, Loading } from "../ui/state";
import { facetName, shut } from "./facet-names";

interface Props {
  filter: string;
  span: Span;
  live: boolean;
  onFilter: (filter: string) => void;
}

const path = "/api/v1/exchanges:facets";

// Facets count the values of fields among what matches. A click adds a value to the
// filter; with Alt, or on the minus, it leaves the value out.
export function Facets({ filter, span, live, onFilter }: Props) {
  const { data, error, isPending, isPlaceholderData, refetch } = useQuery({
    queryKey: [path, filter, span],
    queryFn: ({ signal }) => call("get", path, { query: { filter, ...boundsOf(span) }, signal }),
    refetchInterval: live ? Math.min(30_000, Math.max(5000, lengthOf(span) * 4)) : false,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const fixed = isCel(filter);
  if (isMissing(error)) return null;
  return (
    <aside className="facets" aria-label="Facets" data-testid="facets" aria-busy={isPlaceholderData}>
      {isPending && <Loading what="facets" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {fixed && data !== undefined && <p className="hint">Values cannot be added to a CEL expression.</p>}
      {error === null && data?.facets.map((f) => <FacetView key={f.field} facet={f} filter={filter} span={span} fixed={fixed} onFilter={onFilter} />)}
    </aside>
  );
}

function FacetView({ facet, filter, span, fixed, onFilter }: { facet: Facet; filter: string; span: Span; fixed: boolean; onFilter: (filter: string) => void }) {
  const [open, setOpen] = useState(() => !shut.get(facet.field));
  const [all, setAll] = useState(false);
  const more = useQuery({
    queryKey: [path, filter, span, facet.field],
    queryFn: ({ signal }) => call("get", path, { query: { filter, ...boundsOf(span), fields: [facet.field], limit: 100 }, signal }),
    enabled: all && open,
    placeholderData: keepPreviousData,
  });
  const values = (all ? more.data?.facets[0]?.values : undefined) ?? facet.values;
  const most = Math.max(...values.map((v) => Number(v.count)), 1);
  const name = facetName(facet.field);
  if (values.length === 0) return null;
  return (
    <details open={open} onToggle={(e) => { setOpen(e.currentTarget.open); shut.set(facet.field, !e.currentTarget.open); }}>
      <summary>{name} {Number(facet.distinct) > 1 && <span className="faint">{countText(facet.distinct)}</span>}</summary>
      <ul>
        {values.map((v) => {
          const on = hasTerm(filter, v.filter);
          const text = v.value === "" ? "(none)" : v.value;
          return (
            <li key={v.filter} className={on ? "on" : ""}>
              <button type="button" className="facet-value" disabled={fixed} aria-pressed={on} title={`${v.filter}\nAlt+click leaves it out`} data-testid="facet-value"
                onClick={(e) => onFilter(withTerm(filter, e.altKey ? negated(v.filter) : v.filter))}>
                <progress max={most} value={Number(v.count)} aria-hidden="true" />
                <span>{text}</span><span className="number">{countText(v.count)}</span>
              </button>
              <button type="button" className="facet-out" disabled={fixed} aria-label={`Leave out ${name} ${text}`} title={`Leave out ${text}`} onClick={() => onFilter(withTerm(filter, negated(v.filter)))}>−</button>
            </li>
          );
        })}
      </ul>
      {Number(facet.distinct) > facet.values.length && <button type="button" className="link" onClick={() => setAll(!all)}>{all ? "Fewer" : "More…"}</button>}
    </details>
  );
}
