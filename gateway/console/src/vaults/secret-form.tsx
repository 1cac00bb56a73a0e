import { useState, type FormEvent } from "react";
import { call } from "../api/client";
import { useWrite } from "../api/queries";
import type { Secret } from "../api/types";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/field";
import { Problem } from "../ui/state";

interface Props {
  vault: string;
  // null makes a new one.
  secret: Secret | null;
  onClose: () => void;
}

// SecretForm makes a secret or gives one a new value. The value goes to the gateway
// and is not kept here.
export function SecretForm({ vault, secret, onClose }: Props) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState(secret?.description ?? "");
  const [value, setValue] = useState("");
  const save = useWrite(
    () => secret === null
      ? call("post", "/api/v1/secrets", { body: { vault_id: vault, name: name.trim(), description, value } })
      : call("patch", "/api/v1/secrets/{id}", { path: { id: secret.id }, body: { description, ...(value === "" ? {} : { value }) } }),
    ["/api/v1/secrets", "/api/v1/audit-events"], onClose,
  );
  const submit = (e: FormEvent) => { e.preventDefault(); save.mutate(undefined); };
  return (
    <Dialog title={secret === null ? "New secret" : `New value of ${secret.name}`} onClose={onClose}>
      <form className="form" onSubmit={submit} autoComplete="off">
        {secret === null && <TextField label="Name" className="mono" required maxLength={255} value={name} onChange={(e) => setName(e.target.value)} />}
        <TextField label="Value" type="password" autoComplete="new-password" required={secret === null} value={value} onChange={(e) => setValue(e.target.value)} hint={secret === null ? "Kept encrypted. It can be replaced, and never read." : "It reaches all policies at once. Empty keeps the old one."} />
        <TextField label="Description" maxLength={255} value={description} onChange={(e) => setDescription(e.target.value)} />
        <Problem error={save.error} />
        <div className="form-actions"><Button kind="primary" type="submit" busy={save.isPending}>{secret === null ? "Create" : "Replace"}</Button></div>
      </form>
    </Dialog>
  );
}
