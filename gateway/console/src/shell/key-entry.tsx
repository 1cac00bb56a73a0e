import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { call } from "../api/client";
import { setToken } from "../api/token";
import { Button } from "../ui/button";
import { TextField } from "../ui/field";
import { Problem } from "../ui/state";

// KeyEntry asks for an API key when the gateway wants one.
export function KeyEntry({ onDone }: { onDone: () => void }) {
  const [value, setValue] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const client = useQueryClient();
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setToken(value.trim());
    try {
      await call("get", "/api/v1/endpoints", { query: { limit: 1 } });
      await client.resetQueries();
      onDone();
    } catch (failed) {
      setToken("");
      setError(failed);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="key-entry">
      <form onSubmit={(e) => void submit(e)} aria-label="Sign in">
        <h1><img src="/icon.svg" alt="" width="28" height="28" /> Sluice</h1>
        <p>This gateway takes calls with an API key only.</p>
        <TextField label="API key" type="password" name="token" required autoFocus value={value} onChange={(e) => setValue(e.target.value)} hint="It is kept until this tab is closed." />
        <Problem error={error} />
        <Button kind="primary" type="submit" busy={busy}>Continue</Button>
      </form>
    </main>
  );
}
