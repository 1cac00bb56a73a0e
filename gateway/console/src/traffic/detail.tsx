import { useState } from "react";
import { Link } from "react-router";
import { useItem } from "../api/queries";
import type { Exchange } from "../api/types";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { useKeys } from "../ui/keys";
import { Failed, Loading } from "../ui/state";
import { Tabs } from "../ui/tabs";
import { Moment } from "../ui/time";
import { CopyMenu } from "./copy-menu";
import { pathOf } from "./message";
import { MessagesTab } from "./messages-tab";
import { PolicyTab } from "./policy-tab";
import { RawTab } from "./raw-tab";
import { RelatedTab } from "./related-tab";
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
  { id: "messages", label: "Messages" },
  { id: "related", label: "Related" },
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
          <Head exchange={data} search={search} tab={current} onTab={onTab} onClose={onClose} />
          <Tabs label="Exchange" tabs={tabsOf(data)} current={current} onChange={onTab} />
          <div className="detail-body" role="tabpanel" aria-labelledby={`tab-${current}`} tabIndex={0}>
            {current === "request" && <RequestTab exchange={data} />}
            {current === "response" && <ResponseTab exchange={data} />}
            {current === "timing" && <TimingTab exchange={data} />}
            {current === "policy" && <PolicyTab exchange={data} />}
            {current === "messages" && <MessagesTab exchange={data} />}
            {current === "related" && <RelatedTab exchange={data} search={search} />}
            {current === "raw" && <RawTab exchange={data} />}
          </div>
        </>
      )}
    </aside>
  );
}

function Head({ exchange, search, tab, onTab, onClose }: { exchange: Exchange; search: string; tab: TabID; onTab: (tab: string) => void; onClose: () => void }) {
  const replay = useReplay(exchange);
  const [ask, setAsk] = useState<"none" | "confirm" | "edit">("none");
  const method = exchange.request?.method ?? "";
  const step = (by: number) => {
    const all = tabsOf(exchange);
    const next = all[(all.findIndex((t) => t.id === tab) + by + all.length) % all.length];
    if (next !== undefined) onTab(next.id);
  };
  useKeys({
    "]": () => step(1), "[": () => step(-1), ArrowRight: () => step(1), ArrowLeft: () => step(-1),
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
        {exchange.request?.scheme}://{exchange.request?.host} · <Moment iso={exchange.start_time} /> · <code>{exchange.id}</code>{exchange.route !== "" && <> · route <code>{exchange.route}</code></>}
      </div>
      {exchange.error !== null && <div className="problem"><b>{exchange.error.code}</b> {exchange.error.message}</div>}
      <div className="actions">
        <Button kind="primary" busy={replay.isPending} onClick={() => replay.mutate({})} title="r">Replay</Button>
        <Button onClick={() => setAsk("edit")} title="e">Replay with changes…</Button>
        <CopyMenu exchange={exchange} />
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

// tabsOf names the tabs that have something to show: messages are rare.
function tabsOf(exchange: Exchange) {
  const messages = exchange.messages.length + Number(exchange.omitted_messages);
  return tabs.filter((t) => t.id !== "messages" || messages > 0).map((t) => (t.id === "messages" ? { ...t, label: `Messages ${messages}` } : t));
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
