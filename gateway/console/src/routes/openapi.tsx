import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { call } from "../api/client";
import type { Drift } from "../api/types";
import { countText } from "../format/numbers";
import { boundsOf, type Span } from "../format/span";
import { save } from "../traffic/export";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { TextArea } from "../ui/field";
import { Failed } from "../ui/state";
import { driftText } from "./drift";

// OpenApi describes an endpoint's traffic as an OpenAPI document, and compares it with
// one.
export function OpenApi({ endpoint, span }: { endpoint: string; span: Span }) {
  const [document, setDocument] = useState("");
  const path = { endpoint_id: endpoint };
  const infer = useMutation({
    mutationFn: () => call("get", "/api/v1/endpoints/{endpoint_id}/openapi", { path, query: boundsOf(span) }),
    onSuccess: (r) => save(new Blob([r.document], { type: "application/json" }), "openapi.json"),
  });
  const check = useMutation({ mutationFn: () => call("post", "/api/v1/endpoints/{endpoint_id}/openapi:validate", { path, body: { document, ...boundsOf(span) } }) });
  return (
    <section className="section" aria-label="OpenAPI">
      <header><h2>OpenAPI</h2><Button busy={infer.isPending} disabled={endpoint === ""} onClick={() => infer.mutate()}>Download what the traffic shows</Button></header>
      {endpoint === "" && <p className="hint">Choose an endpoint to describe its traffic, or to compare it with a document.</p>}
      {infer.error !== null && <Failed error={infer.error} />}
      {infer.data !== undefined && <p role="status" className="good">Described from {countText(infer.data.exchanges)} exchanges.</p>}
      {endpoint !== "" && (
        <>
          <TextArea label="Compare with a document" className="mono" rows={document === "" ? 3 : 8} placeholder="OpenAPI 3.0 or 3.1, JSON or YAML" value={document} onChange={(e) => setDocument(e.target.value)} />
          <div className="form-actions">
            <Button busy={check.isPending} disabled={document.trim() === ""} onClick={() => check.mutate()}>Compare</Button>
            <input type="file" aria-label="OpenAPI file" accept=".json,.yaml,.yml" onChange={(e) => void e.target.files?.[0]?.text().then(setDocument)} />
          </div>
        </>
      )}
      {check.error !== null && <Failed error={check.error} />}
      {check.data !== undefined && <Drifts drifts={check.data.drifts} exchanges={check.data.exchanges} />}
    </section>
  );
}

function Drifts({ drifts, exchanges }: { drifts: Drift[]; exchanges: string }) {
  if (drifts.length === 0) return <p role="status" className="good">{countText(exchanges)} exchanges agree with the document.</p>;
  return (
    <div className="table-scroll drifts" data-testid="drifts">
      <table className="data" aria-label="Where traffic and document differ">
        <thead><tr><th>What</th><th>Operation</th><th>Difference</th><th className="number">Exchanges</th><th>Example</th></tr></thead>
        <tbody>
          {drifts.map((d, i) => (
            <tr key={i}>
              <td><Badge tone={d.kind === "KIND_UNUSED_OPERATION" ? "plain" : "warn"}>{driftText(d.kind)}</Badge></td>
              <td className="mono">{d.method} {d.path}</td>
              <td>{d.message}</td>
              <td className="number">{countText(d.count)}</td>
              <td>{d.example_id !== "" && <Link to={`/traffic/${d.example_id}`}>See one</Link>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
