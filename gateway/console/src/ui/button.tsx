import { useState, type ButtonHTMLAttributes } from "react";
import { Link, type LinkProps } from "react-router";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "plain" | "primary" | "danger" | "quiet";
  // The action runs: the button waits.
  busy?: boolean;
}

export function Button({ kind = "plain", busy = false, className = "", disabled, children, ...rest }: Props) {
  return (
    <button type="button" className={`button ${kind} ${className}`} disabled={disabled || busy} aria-busy={busy} {...rest}>
      {busy && <span className="spinner" aria-hidden="true" />}
      {children}
    </button>
  );
}

export function ButtonLink({ kind = "plain", className = "", ...rest }: LinkProps & { kind?: Props["kind"] }) {
  return <Link className={`button ${kind} ${className}`} {...rest} />;
}

// CopyButton puts text on the clipboard and says so.
export function CopyButton({ text, children, ...rest }: { text: () => string; children: React.ReactNode } & Omit<Props, "onClick">) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setSaid("Copied");
    } catch {
      setSaid("The browser did not allow it");
    }
    setTimeout(() => setSaid(""), 1500);
  };
  return <Button onClick={() => void copy()} {...rest}>{said === "" ? children : said}</Button>;
}
