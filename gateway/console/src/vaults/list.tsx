import { useState, type FormEvent } from "react";
import { Link } from "react-router";
import { call } from "../api/client";
import { useList, useWrite } from "../api/queries";
import type { Vault } from "../api/types";
import { Page } from "../shell/page";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/field";
import { Empty, Failed, Loading, Problem } from "../ui/state";
import { DataTable, type Column } from "../ui/table";
import { Ago } from "../ui/time";

const columns: Column<Vault>[] = [
  { id: "name", header: "Name", value: (v) => v.name, cell: (v) => <Link to={`/vaults/${v.id}`}>{v.name}</Link> },
  { id: "description", header: "Description", value: (v) => v.description, cell: (v) => <span className="faint">{v.description}</span> },
  { id: "id", header: "Id", cell: (v) => <code>{v.id}</code> },
  { id: "updated", header: "Changed", value: (v) => v.updated_at ?? "", cell: (v) => <Ago iso={v.updated_at ?? v.created_at} /> },
];

const none: Vault[] = [];

export function VaultList() {
  const { data, error, isPending, refetch } = useList("/api/v1/vaults");
  const [making, setMaking] = useState(false);
  const rows = data?.vaults ?? none;
  return (
    <Page title="Vaults" lead={<>Secrets that policies read with <code>secrets.get("vault", "name")</code>. Nothing ever shows a value.</>} actions={<Button kind="primary" onClick={() => setMaking(true)}>New vault</Button>}>
      {isPending && <Loading what="vaults" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data !== undefined && rows.length === 0 && <Empty title="No vaults yet">A vault holds the secrets of one purpose, such as the keys of one partner.</Empty>}
      {rows.length > 0 && <DataTable label="Vaults" columns={columns} rows={rows} rowKey={(v) => v.id} testid="vault-row" />}
      {making && <NewVault onClose={() => setMaking(false)} />}
    </Page>
  );
}

function NewVault({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const create = useWrite((body: { name: string; description: string }) => call("post", "/api/v1/vaults", { body }), ["/api/v1/vaults", "/api/v1/audit-events"], onClose);
  const submit = (e: FormEvent) => { e.preventDefault(); create.mutate({ name: name.trim(), description }); };
  return (
    <Dialog title="New vault" onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <TextField label="Name" className="mono" required maxLength={255} value={name} onChange={(e) => setName(e.target.value)} hint="By which policies name it: letters, digits and _ / . -" />
        <TextField label="Description" maxLength={255} value={description} onChange={(e) => setDescription(e.target.value)} />
        <Problem error={create.error} />
        <div className="form-actions"><Button kind="primary" type="submit" busy={create.isPending}>Create</Button></div>
      </form>
    </Dialog>
  );
}
