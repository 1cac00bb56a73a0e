import { useState, type FormEvent } from "react";
import { call } from "../api/client";
import { useList, useWrite } from "../api/queries";
import type { ApiKey, Scope } from "../api/types";
import { Badge } from "../ui/badge";
import { Button, CopyButton } from "../ui/button";
import { Confirm, Dialog } from "../ui/dialog";
import { Select, TextField } from "../ui/field";
import { Empty, Failed, Loading, Problem } from "../ui/state";
import { Moment } from "../ui/time";

const scopes: { value: Scope; label: string; short: string }[] = [
  { value: "SCOPE_READ", label: "Read: look at everything but keys", short: "read" },
  { value: "SCOPE_WRITE", label: "Write: also change configuration and replay", short: "write" },
  { value: "SCOPE_ADMIN", label: "Admin: also keys and capture settings", short: "admin" },
];

const touched = ["/api/v1/api-keys", "/api/v1/audit-events"];

// ApiKeys lists, makes and revokes keys.
export function ApiKeys() {
  const { data, error, isPending, refetch } = useList("/api/v1/api-keys");
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const remove = useWrite((id: string) => call("delete", "/api/v1/api-keys/{id}", { path: { id } }), touched, () => setRevoking(null));
  return (
    <section className="section narrow" aria-label="API keys">
      <header><h2>API keys</h2><Button onClick={() => setCreating(true)}>New API key</Button></header>
      {isPending && <Loading what="keys" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data?.api_keys.length === 0 && <Empty title="No API keys yet">A gateway that listens beyond this machine needs one.</Empty>}
      {data !== undefined && data.api_keys.length > 0 && (
        <div className="table-scroll">
          <table className="data" aria-label="API keys">
            <thead><tr><th>Description</th><th>Scope</th><th>Id</th><th>Made</th><th><span className="sr-only">Actions</span></th></tr></thead>
            <tbody>
              {data.api_keys.map((k) => (
                <tr key={k.id} data-testid="api-key-row">
                  <td>{k.description || <span className="faint">none</span>}</td>
                  <td><Badge tone={k.scope === "SCOPE_ADMIN" ? "warn" : "plain"}>{scopes.find((s) => s.value === k.scope)?.short}</Badge></td>
                  <td><code>{k.id}</code></td>
                  <td><Moment iso={k.created_at} /></td>
                  <td><Button kind="quiet" onClick={() => setRevoking(k)}>Revoke…</Button></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {creating && <NewKey onClose={() => setCreating(false)} />}
      {revoking !== null && (
        <Confirm title="Revoke this key?" action="Revoke" busy={remove.isPending} onClose={() => setRevoking(null)} onConfirm={() => remove.mutate(revoking.id)}>
          <p>Calls with {revoking.description || revoking.id} are refused at once.</p>
          <Problem error={remove.error} />
        </Confirm>
      )}
    </section>
  );
}

function NewKey({ onClose }: { onClose: () => void }) {
  const [description, setDescription] = useState("");
  const [scope, setScope] = useState<Scope>("SCOPE_READ");
  const create = useWrite(() => call("post", "/api/v1/api-keys", { body: { description, scope } }), touched);
  const submit = (e: FormEvent) => { e.preventDefault(); create.mutate(undefined); };
  if (create.data !== undefined) {
    const token = create.data.token;
    return (
      <Dialog title="The new API key" onClose={onClose} actions={<Button kind="primary" onClick={onClose}>Done</Button>}>
        <p>Keep the token now: it is not shown again.</p>
        <div className="token"><code className="grow" data-testid="api-key-token">{token}</code><CopyButton text={() => token}>Copy</CopyButton></div>
      </Dialog>
    );
  }
  return (
    <Dialog title="New API key" onClose={onClose}>
      <form onSubmit={submit} aria-label="New API key">
        <TextField label="Description" maxLength={255} value={description} onChange={(e) => setDescription(e.target.value)} hint="Who or what uses it." />
        <Select label="Scope" choices={scopes} value={scope} onChange={(e) => setScope(e.target.value as Scope)} />
        <Problem error={create.error} />
        <div className="form-actions"><Button kind="primary" type="submit" busy={create.isPending}>Create</Button></div>
      </form>
    </Dialog>
  );
}
