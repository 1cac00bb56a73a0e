import { useQuery } from "@tanstack/react-query";
import { call, messageOf } from "../api/client";
import type { Monitor } from "../api/types";
import { useSettled } from "../endpoints/use-validation";
import { countText, durationText } from "../format/numbers";
import { Ago } from "../ui/time";
import { StateBadge, stateOf } from "./state-badge";

// CurrentValue counts now what a monitor would count, while it is written.
export function CurrentValue({ filter, window }: { filter: string; window: number }) {
  const settled = useSettled(filter, 400);
  const valid = Number.isFinite(window) && window > 0;
  const { data, error } = useQuery({
    queryKey: ["monitor value", settled, window],
    queryFn: ({ signal }) => call("post", "/api/v1/exchanges:aggregate", {
      body: { filter: settled, aggregation: "AGGREGATION_COUNT", start_time: new Date(Date.now() - window * 1000).toISOString(), end_time: new Date().toISOString() }, signal,
    }),
    enabled: valid,
  });
  if (error !== null) return <span className="bad" role="alert">{messageOf(error)}</span>;
  if (data === undefined) return null;
  return <>In the last {durationText(window)}: <b>{countText(data.series[0]?.value)}</b>.</>;
}

// CurrentState is what a monitor thinks now.
export function CurrentState({ monitor }: { monitor: Monitor }) {
  const status = monitor.status;
  return (
    <>
      <StateBadge state={stateOf(monitor)} /> {status !== null && status.since !== null && <>since <Ago iso={status.since} />, </>}
      {status?.evaluated_at ? <>value {countText(status.value)}, asked <Ago iso={status.evaluated_at} /></> : "not evaluated yet"}
      {status?.error && <span className="bad"> {status.error}</span>}
    </>
  );
}
