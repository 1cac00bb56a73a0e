import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { call } from "../api/client";
import { useWrite } from "../api/queries";
import type { Endpoint } from "../api/types";
import { Button } from "../ui/button";
import { Failed, Problem } from "../ui/state";
import { Ago } from "../ui/time";

const path = "/api/v1/route-rules";

// RouteRules are templates that people gave, where those that were found are not right.
export function RouteRules({ endpoints }: { endpoints: Endpoint[] }) {
  const { data, error, refetch } = useQuery({ queryKey: [path], queryFn: ({ signal }) => call("get", path, { signal }) });
  const [template, setTemplate] = useState("");
  const [endpoint, setEndpoint] = useState("");
  const create = useWrite(() => call("post", path, { body: { template: template.trim(), endpoint_id: endpoint } }), [path, "/api/v1/audit-events"], () => setTemplate(""));
  const remove = useWrite((id: string) => call("delete", "/api/v1/route-rules/{id}", { path: { id } }), [path, "/api/v1/audit-events"]);
  const submit = (e: FormEvent) => { e.preventDefault(); create.mutate(undefined); };
  const nameOf = (id: string) => (id === "" ? "all endpoints" : (endpoints.find((e) => e.id === id)?.name ?? id));
  return (
    <section className="section" aria-label="Route rules">
      <header><h2>Rules</h2></header>
      <p className="hint">Where the routes that were found are not right, a rule says what they are, for exchanges from then on: <code>/users/{"{id}"}</code> or <code>/files/{"{path...}"}</code>.</p>
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data !== undefined && data.rules.length > 0 && (
        <div className="table-scroll">
          <table className="data" aria-label="Route rules">
            <thead><tr><th>Template</th><th>Endpoint</th><th>Made</th><th><span className="sr-only">Actions</span></th></tr></thead>
            <tbody>
              {data.rules.map((r) => (
                <tr key={r.id} data-testid="rule-row"><td><code>{r.template}</code></td><td>{nameOf(r.endpoint_id)}</td><td><Ago iso={r.created_at} /></td><td className="number"><Button kind="quiet" onClick={() => remove.mutate(r.id)}>Delete</Button></td></tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {error === null && (
        <form className="row rule-form" onSubmit={submit}>
          <input className="mono grow" aria-label="Template" required pattern="/.*" placeholder="/users/{id}/orders/{order}" value={template} onChange={(e) => setTemplate(e.target.value)} />
          <select aria-label="Endpoint of the rule" value={endpoint} onChange={(e) => setEndpoint(e.target.value)}>
            <option value="">All endpoints</option>
            {endpoints.map((e) => <option key={e.id} value={e.id}>{e.name || e.url}</option>)}
          </select>
          <Button type="submit" busy={create.isPending}>Add rule</Button>
        </form>
      )}
      <Problem error={create.error ?? remove.error} />
    </section>
  );
}
