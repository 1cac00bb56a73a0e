import { useQuery } from "@tanstack/react-query";
import { call } from "../api/client";
import { countText } from "../format/numbers";
import { Empty, Failed, Loading } from "../ui/state";
import { Moment } from "../ui/time";
import { Results } from "./results";
import { StateBadge } from "./state-badge";

// History lists a monitor's changes of state.
export function History({ id }: { id: string }) {
  const { data, error, isPending } = useQuery({
    queryKey: ["transitions", id],
    queryFn: ({ signal }) => call("get", "/api/v1/monitors/{id}/transitions", { path: { id }, query: { limit: 100 }, signal }),
    refetchInterval: 10_000,
  });
  return (
    <section className="section history">
      <header><h2>Changes of state</h2></header>
      {isPending && <Loading what="the history" />}
      {error !== null && <Failed error={error} />}
      {data?.transitions.length === 0 && <Empty title="The state has not changed yet" />}
      {data !== undefined && data.transitions.length > 0 && (
        <div className="table-scroll">
          <table className="data" aria-label="Changes of state">
            <thead><tr><th>When</th><th>From</th><th>To</th><th className="number">Value</th><th>Notifications</th></tr></thead>
            <tbody>
              {data.transitions.map((t) => (
                <tr key={t.id} data-testid="transition">
                  <td><Moment iso={t.at} /></td>
                  <td><StateBadge state={t.from} /></td>
                  <td><StateBadge state={t.to} /></td>
                  <td className="number">{countText(t.value)}</td>
                  <td><Results results={t.notifications} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
