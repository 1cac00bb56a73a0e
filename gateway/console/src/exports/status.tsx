import type { DeliveryStatus } from "../api/types";
import { countText } from "../format/numbers";
import { Badge } from "../ui/badge";
import { Ago } from "../ui/time";

// Delivery says how delivery to a destination goes.
export function Delivery({ status }: { status: DeliveryStatus | null | undefined }) {
  if (!status || (status.last_success_at === null && status.last_error_at === null)) return <Badge>Nothing sent yet</Badge>;
  const failing = status.last_error_at !== null && (status.last_success_at === null || status.last_error_at > status.last_success_at);
  return (
    <div data-testid="delivery-status">
      <Badge tone={failing ? "bad" : "good"}>{failing ? "Failing" : "Delivering"}</Badge>{" "}
      <span className="faint">
        {countText(status.delivered)} delivered{status.rejected !== "0" && <>, <span className="bad">{countText(status.rejected)} rejected</span></>}
        {status.last_success_at !== null && <>, last <Ago iso={status.last_success_at} /></>}
      </span>
      {failing && <div className="bad">{status.last_error} (<Ago iso={status.last_error_at} />)</div>}
    </div>
  );
}
