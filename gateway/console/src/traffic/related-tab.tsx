import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { call, messageOf } from "../api/client";
import type { Exchange } from "../api/types";
import { durationText } from "../format/numbers";
import { termFor } from "../search/terms";
import { Clock } from "../ui/time";
import { rowOf } from "./row";
import { Status } from "./status";

// around is how far from the exchange related ones are looked for.
const around = 30 * 60_000;
const most = 8;

interface Group {
  title: string;
  filter: string;
}

// groupsOf are the searches for what belongs to an exchange.
export function groupsOf(e: Exchange): Group[] {
  const client = e.connection?.client_ip ?? "";
  return [
    { title: "Replays of it", filter: e.replays.length === 0 ? "" : termFor("replay", e.id) },
    { title: "What it replays", filter: e.replay_of === "" ? "" : termFor("id", e.replay_of) },
    { title: "Same trace", filter: e.trace_id === "" ? "" : termFor("trace_id", e.trace_id) },
    { title: "Same client", filter: client === "" ? "" : termFor("ip", client) },
    { title: "Same route", filter: e.route !== "" ? `${termFor("route", e.route)} ${termFor("method", e.request?.method ?? "")}` : `${termFor("path", e.request?.path ?? "")} ${termFor("method", e.request?.method ?? "")}` },
  ].filter((g) => g.filter !== "");
}

// RelatedTab lists exchanges that belong to this one, from half an hour before to
// half an hour after it.
export function RelatedTab({ exchange, search }: { exchange: Exchange; search: string }) {
  const at = Date.parse(exchange.start_time ?? "");
  return <div data-testid="related">{groupsOf(exchange).map((g) => <GroupView key={g.title} group={g} at={at} self={exchange.id} search={search} />)}</div>;
}

function GroupView({ group, at, self, search }: { group: Group; at: number; self: string; search: string }) {
  const bounds = { from: at - around, to: at + around };
  const wide = group.title.includes("eplay");
  const { data, error } = useQuery({
    queryKey: ["related", group.filter, at],
    queryFn: ({ signal }) => call("get", "/api/v1/exchanges", {
      query: { filter: group.filter, limit: most + 1, start_time: new Date(wide ? at - 30 * 86400_000 : bounds.from).toISOString(), end_time: wide ? undefined : new Date(bounds.to).toISOString() }, signal,
    }),
  });
  const rows = data?.exchanges.map(rowOf).filter((r) => r.id !== self).slice(0, most);
  const all = new URLSearchParams({ filter: group.filter, ...(wide ? { range: "30d" } : { from: String(bounds.from), to: String(bounds.to) }) });
  return (
    <section>
      <div className="body-head"><h2>{group.title} <code>{group.filter}</code></h2><Link to={`/traffic?${all}`}>Search</Link></div>
      {error !== null && <p className="bad">{messageOf(error)}</p>}
      {rows?.length === 0 && <p className="faint">None.</p>}
      <ul className="related">
        {rows?.map((r) => (
          <li key={r.id}>
            <Link to={{ pathname: `/traffic/${r.id}`, search }}>
              <span className="mono faint"><Clock iso={r.time} /></span> <Status code={r.status} /> <b className="mono">{r.method}</b> <span className="mono path">{r.path}</span> <span className="number faint">{durationText(r.duration)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
