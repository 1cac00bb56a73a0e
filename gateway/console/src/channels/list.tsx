import { Link } from "react-router";
import { useList } from "../api/queries";
import type { Channel } from "../api/types";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { ButtonLink } from "../ui/button";
import { Empty, Failed, Loading } from "../ui/state";
import { DataTable, type Column } from "../ui/table";
import { Ago } from "../ui/time";

const columns: Column<Channel>[] = [
  { id: "name", header: "Name", value: (c) => c.name, cell: (c) => <Link to={`/channels/${c.id}`}>{c.name}</Link> },
  { id: "kind", header: "Kind", value: (c) => (c.ntfy ? "ntfy" : "webhook"), cell: (c) => <Badge>{c.ntfy ? "ntfy" : "webhook"}</Badge> },
  { id: "url", header: "URL", cell: (c) => <code>{c.ntfy?.url ?? c.webhook?.url}</code> },
  { id: "success", header: "Last delivered", cell: (c) => <Ago iso={c.last_success_at} /> },
  { id: "error", header: "Last error", cell: (c) => <span className="bad">{c.last_error}</span> },
];

const none: Channel[] = [];

export function ChannelList() {
  const { data, error, isPending, refetch } = useList("/api/v1/notification-channels");
  const rows = data?.notification_channels ?? none;
  return (
    <Page title="Channels" lead="Where monitors send their notifications." actions={<ButtonLink kind="primary" to="/channels/new">New channel</ButtonLink>}>
      {isPending && <Loading what="channels" />}
      {error !== null && <Failed error={error} retry={() => void refetch()} />}
      {data !== undefined && rows.length === 0 && <Empty title="No channels yet">A channel is an ntfy topic or any webhook. <Link to="/channels/new">New channel</Link>.</Empty>}
      {rows.length > 0 && <DataTable label="Channels" columns={columns} rows={rows} rowKey={(c) => c.id} testid="channel-row" />}
    </Page>
  );
}
