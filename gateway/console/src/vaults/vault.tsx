import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { call } from "../api/client";
import { useItem, useWrite } from "../api/queries";
import type { Secret, Vault } from "../api/types";
import { Page } from "../shell/page";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Empty, Failed, Loading, Problem } from "../ui/state";
import { Ago } from "../ui/time";
import { SecretForm } from "./secret-form";

const path = "/api/v1/secrets";

// secretsOf reads every page: one of a vault may be empty and not the last.
async function secretsOf(vault: string, signal: AbortSignal): Promise<Secret[]> {
  const all: Secret[] = [];
  let cursor = "";
  do {
    const page = await call("get", path, { query: { vault_id: vault, limit: 1000, cursor }, signal });
    all.push(...page.secrets);
    cursor = page.next_cursor;
  } while (cursor !== "");
  return all;
}

export function VaultPage() {
  const { id = "" } = useParams();
  const { data, error, isPending, refetch } = useItem("/api/v1/vaults/{id}", id);
  if (error !== null) return <Page title="Vault"><Failed error={error} retry={() => void refetch()} /></Page>;
  if (isPending) return <Page title="Vault"><Loading what="the vault" /></Page>;
  return <Secrets vault={data} />;
}

type Asked = { what: "new" } | { what: "rotate" | "delete"; secret: Secret } | { what: "delete-vault" } | null;

function Secrets({ vault }: { vault: Vault }) {
  const navigate = useNavigate();
  const [asked, setAsked] = useState<Asked>(null);
  const { data, error, isPending, refetch } = useQuery({ queryKey: [path, vault.id], queryFn: ({ signal }) => secretsOf(vault.id, signal) });
  const close = () => setAsked(null);
  const remove = useWrite((id: string) => call("delete", "/api/v1/secrets/{id}", { path: { id } }), [path, "/api/v1/audit-events"], close);
  const removeVault = useWrite(() => call("delete", "/api/v1/vaults/{id}", { path: { id: vault.id } }), ["/api/v1/vaults", "/api/v1/audit-events"], () => void navigate("/vaults"));
  const actions = <><Button kind="primary" onClick={() => setAsked({ what: "new" })}>New secret</Button><Button kind="danger" onClick={() => setAsked({ what: "delete-vault" })}>Delete vault…</Button></>;
  return (
    <Page title={vault.name} lead={<>{vault.description} <code>{vault.id}</code></>} actions={actions}>
      {isPending && <Loading what="secrets" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data?.length === 0 && <Empty title="No secrets in it yet" />}
      {data !== undefined && data.length > 0 && (
        <div className="table-scroll">
          <table className="data" aria-label="Secrets">
            <thead><tr><th>Name</th><th>Description</th><th>In a policy</th><th>Value set</th><th><span className="sr-only">Actions</span></th></tr></thead>
            <tbody>
              {data.map((s) => (
                <tr key={s.id} data-testid="secret-row">
                  <td><code>{s.name}</code></td>
                  <td className="faint">{s.description}</td>
                  <td><code>{`secrets.get("${vault.name}", "${s.name}")`}</code></td>
                  <td><Ago iso={s.updated_at ?? s.created_at} /></td>
                  <td className="number">
                    <Button kind="quiet" onClick={() => setAsked({ what: "rotate", secret: s })}>New value…</Button>
                    <Button kind="quiet" onClick={() => setAsked({ what: "delete", secret: s })}>Delete…</Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {asked?.what === "new" && <SecretForm vault={vault.id} secret={null} onClose={close} />}
      {asked?.what === "rotate" && <SecretForm vault={vault.id} secret={asked.secret} onClose={close} />}
      {asked?.what === "delete" && (
        <Confirm title={`Delete ${asked.secret.name}?`} action="Delete" busy={remove.isPending} onClose={close} onConfirm={() => remove.mutate(asked.secret.id)}>
          <p>Policies that read it fail from then on.</p>
          <Problem error={remove.error} />
        </Confirm>
      )}
      {asked?.what === "delete-vault" && (
        <Confirm title={`Delete ${vault.name}?`} action="Delete" busy={removeVault.isPending} onClose={close} onConfirm={() => removeVault.mutate(undefined)}>
          <p>Only an empty vault can be deleted.</p>
          <Problem error={removeVault.error} />
        </Confirm>
      )}
    </Page>
  );
}
