import { useQuery } from "@tanstack/react-query";
import { call, messageOf } from "../api/client";
import { countText } from "../format/numbers";

// AccountingLine says what became of every request that proxies saw.
export function AccountingLine({ shown, more }: { shown: number; more: boolean }) {
  const { data, error } = useQuery({
    queryKey: ["/api/v1/exchanges:accounting"],
    queryFn: ({ signal }) => call("get", "/api/v1/exchanges:accounting", { signal }),
    refetchInterval: 5_000,
  });
  const total = data?.total;
  const dropped = Object.entries(total?.dropped ?? {}).filter(([, n]) => n !== "0");
  return (
    <footer className="accounting" aria-label="Accounting" data-testid="accounting">
      <span>{countText(shown)}{more ? "+" : ""} listed</span>
      {error !== null && <span className="bad">Accounting: {messageOf(error)}</span>}
      {total && (
        <>
          <span title="Requests that the proxies have seen"><b>{countText(total.seen)}</b> seen</span>
          <span title="Stored durably"><b>{countText(total.stored)}</b> stored</span>
          <span title="Left out by the sample rate"><b>{countText(total.sampled)}</b> sampled out</span>
          <span title="On their way: in memory or in the spool"><b>{countText(total.pending)}</b> pending</span>
          <span className={dropped.length > 0 ? "bad" : ""} title="Lost, by reason">
            <b>{countText(dropped.reduce((sum, [, n]) => sum + Number(n), 0))}</b> dropped
            {dropped.length > 0 && ` (${dropped.map(([reason, n]) => `${reason} ${countText(n)}`).join(", ")})`}
          </span>
        </>
      )}
    </footer>
  );
}
