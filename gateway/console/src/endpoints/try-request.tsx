import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { call } from "../api/client";
import { toBase64 } from "../format/bytes";
import { plain, prettyJson } from "../format/json";
import { BodyView } from "../traffic/body-view";
import { Status } from "../traffic/status";
import { Trace } from "../traffic/trace";
import { Badge, type Tone } from "../ui/badge";
import { Button } from "../ui/button";
import { TextArea, TextField } from "../ui/field";
import { parseHeaders } from "../ui/header-lines";
import { Problem } from "../ui/state";

const blank = { method: "GET", path: "/", headers: "", body: "", client: "", secrets: "" };
type Trial = typeof blank;

// run tries the policy as it stands in the editor; nothing is stored or sent on.
function run(policy: string, endpoint: string, t: Trial) {
  return call("post", "/api/v1/policies:test", {
    body: {
      traffic_policy: policy, endpoint_url: endpoint.trim(), secrets: parseHeaders(t.secrets).headers,
      exchanges: [{
        method: t.method.trim(), url: t.path.trim(), body: toBase64(new TextEncoder().encode(t.body)), client_ip: t.client.trim(),
        headers: Object.entries(parseHeaders(t.headers).headers).map(([name, value]) => ({ name, value })),
      }],
    },
  });
}

type Answer = Awaited<ReturnType<typeof run>>;
type Result = Answer["results"][number];

// TryRequest runs the policy on one made-up request and shows what would happen.
export function TryRequest({ policy, endpoint }: { policy: string; endpoint: string }) {
  const [trial, setTrial] = useState(blank);
  const send = useMutation({ mutationFn: () => run(policy, endpoint, trial) });
  const change = (part: Partial<Trial>) => setTrial((t) => ({ ...t, ...part }));
  const problem = parseHeaders(trial.headers).problem || parseHeaders(trial.secrets).problem;
  const submit = (e: FormEvent) => {
    e.preventDefault();
    send.mutate();
  };
  if (policy.trim() === "") return null;
  return (
    <section className="try-request" data-testid="try-request">
      <h2>Try a request</h2>
      <p className="hint">Runs the policy above on a made-up request. Nothing is sent: the upstream answers 200, and rate limits count from zero.</p>
      <form className="form" aria-label="Try a request" onSubmit={submit}>
        <div className="row">
          <TextField label="Method" className="mono short" value={trial.method} onChange={(e) => change({ method: e.target.value.toUpperCase() })} />
          <div className="grow"><TextField label="Path and query" className="mono" value={trial.path} onChange={(e) => change({ path: e.target.value })} /></div>
          <TextField label="Client address" className="mono" placeholder="203.0.113.7" value={trial.client} onChange={(e) => change({ client: e.target.value })} />
        </div>
        <div className="columns">
          <TextArea label="Headers" className="mono" placeholder="name: value" value={trial.headers} onChange={(e) => change({ headers: e.target.value })} />
          <TextArea label="Body" className="mono" value={trial.body} onChange={(e) => change({ body: e.target.value })} />
        </div>
        {policy.includes("secrets.get") && (
          <TextArea label="Secrets" className="mono" rows={2} placeholder="vault/name: value" value={trial.secrets} onChange={(e) => change({ secrets: e.target.value })} hint="Stored secrets are not read here." />
        )}
        {problem !== "" && <p className="note" role="alert">{problem}</p>}
        <div className="form-actions"><Button type="submit" busy={send.isPending} disabled={problem !== ""}>Try</Button></div>
      </form>
      <Problem error={send.error} />
      {send.data !== undefined && <Outcome answer={send.data} />}
    </section>
  );
}

function Outcome({ answer }: { answer: Answer }) {
  const result = answer.results[0];
  if (!answer.valid || result === undefined) return <p className="note" role="status">The policy has problems, so nothing ran. They are listed below it.</p>;
  return (
    <div role="status" data-testid="try-result">
      <p><Verdict result={result} /></p>
      {result.trace !== null && <Trace trace={result.trace} />}
      {result.forwarded !== null && <Lines title={`The upstream gets ${result.forwarded.method} ${result.forwarded.url}`} headers={result.forwarded.headers} />}
      {result.response !== null && (
        <>
          <Lines title="The client gets" headers={result.response.headers} />
          <BodyView body={result.response.body} headers={result.response.headers} full />
        </>
      )}
      {result.logs.map((entry, i) => <pre className="body" key={i}>{plain(prettyJson(entry).tokens)}</pre>)}
    </div>
  );
}

const verdicts: Record<Result["outcome"], [Tone, string]> = {
  OUTCOME_UNSPECIFIED: ["plain", ""], OUTCOME_FORWARDED: ["good", "forwarded"], OUTCOME_ANSWERED: ["info", "answered"], OUTCOME_CLOSED: ["bad", "closed"],
};

function Verdict({ result }: { result: Result }) {
  const [tone, word] = verdicts[result.outcome];
  return (
    <>
      <Badge tone={result.error_code === "" ? tone : "bad"}>{word}</Badge>{" "}
      {result.response !== null && <Status code={result.response.status_code} />}{" "}
      {result.rule === "" ? "The policy lets the request through." : <>By {result.action !== "" && <b>{result.action}</b>} in rule {result.rule}</>}{" "}
      {result.error_code !== "" && <code>{result.error_code}</code>}
    </>
  );
}

function Lines({ title, headers }: { title: string; headers: { name: string; value: string }[] }) {
  return (
    <section>
      <h3 className="mono">{title}</h3>
      <table className="pairs" aria-label={title}><tbody>
        {headers.map((h, i) => <tr key={i}><th scope="row">{h.name}</th><td className="mono">{h.value}</td></tr>)}
      </tbody></table>
    </section>
  );
}
