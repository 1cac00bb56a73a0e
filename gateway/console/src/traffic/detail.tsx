import { useState } from "react";
import { Link } from "react-router";
import { useItem } from "../api/queries";
import type { Exchange } from "../api/types";
import { Button, CopyButton } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { useKeys } from "../ui/keys";
import { Failed, Loading } from "../ui/state";
import { Tabs } from "../ui/tabs";
import { Moment } from "../ui/time";
import { curlOf } from "./curl";
import { pathOf } from "./message";
import { PolicyTab } from "./policy-tab";
import { RawTab } from "./raw-tab";
import { ReplayEditor } from "./replay-editor";
import { isSafe } from "./replay-request";
import { ReplayResultView } from "./replay-result";
import { RequestTab, ResponseTab } from "./message-tab";
import { Status } from "./status";
import { TimingTab } from "./timing-tab";
import { useReplay } from "./use-replay";

const tabs = [
  { id: "request", label: "Request" },
  { id: "response", label: "Response" },
  { id: "timing", label: "Timing" },
  { id: "policy", label: "Policy" },
  { id: "raw", label: "Raw" },
] as const;

type TabID = (typeof tabs)[number]["id"];

interface Props {
  id: string;
  tab: string;
  search: string;
  onTab: (tab: string) => void;
  onClose: () => void;
}

// Detail shows one exchange.
export function Detail({ id, tab, search, onTab, onClose }: Props) {
  const { data, error, isPending, refetch } = useItem("/api/v1/exchanges/{id}", id);
  const current: TabID = tabs.find((t) => t.id === tab)?.id ?? "response";
  return (
    <aside className="detail" aria-label="Exchange" data-testid="exchange-detail">
      {isPending && <Loading what="the exchange" />}
      {error !== null && (
        <>
          <div className="detail-head"><Button kind="quiet" onClick={onClose} aria-label="Close">✕</Button></div>
          <Failed error={error} retry={() => void refetch()} />
        </>
      )}
      {data !== undefined && (
        <>
          <Head exchange={data} search={search} onClose={onClose} />
          <Tabs label="Exchange" tabs={[...tabs]} current={current} onChange={onTab} />
          <div className="detail-body" role="tabpanel" aria-labelledby={`tab-${current}`} tabIndex={0}>
            {current === "request" && <RequestTab exchange={data} />}
            {current === "response" && <ResponseTab exchange={data} />}
            {current === "timing" && <TimingTab exchange={data} />}
            {current === "policy" && <PolicyTab exchange={data} />}
            {current === "raw" && <RawTab exchange={data} />}
          </div>
        </>
      )}
    </aside>
  );
}

function Head({ exchange, search, onClose }: { exchange: Exchange; search: string; onClose: () => void }) {
  const replay = useReplay(exchange);
  const [ask, setAsk] = useState<"none" | "confirm" | "edit">("none");
  const method = exchange.request?.method ?? "";
  useKeys({
    r: () => (isSafe(method) ? replay.mutate({}) : setAsk("confirm")),
    e: () => setAsk("edit"),
  });
  return (
    <div className="detail-head">
      <div className="detail-title">
        <Status code={exchange.response?.status_code} />
        <strong className="mono" data-testid="exchange-title">{method} {pathOf(exchange)}</strong>
        <Button kind="quiet" onClick={onClose} aria-label="Close">✕</Button>
      </div>
      <div className="detail-sub faint">
        {exchange.request?.scheme}://{exchange.request?.host} · <Moment iso={exchange.start_time} /> · <code>{exchange.id}</code>
      </div>
      {exchange.error !== null && <div className="problem"><b>{exchange.error.code}</b> {exchange.error.message}</div>}
      <div className="actions">
        <Button kind="primary" busy={replay.isPending} onClick={() => replay.mutate({})} title="r">Replay</Button>
        <Button onClick={() => setAsk("edit")} title="e">Replay with changes…</Button>
        <CopyCurl exchange={exchange} />
      </div>
      <Relations exchange={exchange} search={search} />
      <ReplayResultView replay={replay} search={search} />
      {ask === "edit" && <ReplayEditor exchange={exchange} search={search} onClose={() => setAsk("none")} />}
      {ask === "confirm" && (
        <Confirm title="Replay this request?" action={`Replay ${method}`} kind="primary" onClose={() => setAsk("none")} onConfirm={() => { setAsk("none"); replay.mutate({}); }}>
          <p>{method} may change things: the upstream carries it out once more.</p>
        </Confirm>
      )}
    </div>
  );
}

function CopyCurl({ exchange }: { exchange: Exchange }) {
  const { left } = curlOf(exchange);
  const note = left.length === 0 ? undefined : `Without ${left.join(", ")}: redacted`;
  return <CopyButton text={() => curlOf(exchange).command} title={note}>Copy as curl</CopyButton>;
}

function Relations({ exchange, search }: { exchange: Exchange; search: string }) {
  if (exchange.replay_of === "" && exchange.replays.length === 0) return null;
  const to = (id: string) => ({ pathname: `/traffic/${id}`, search });
  return (
    <p className="relations" data-testid="relations">
      {exchange.replay_of !== "" && <>Replay of <Link to={to(exchange.replay_of)}>{exchange.replay_of}</Link>. </>}
      {exchange.replays.length > 0 && (
        <>Replayed as {exchange.replays.map((id, i) => <span key={id}>{i > 0 && ", "}<Link to={to(id)}>{id}</Link></span>)}.</>
      )}
    </p>
  );
}
