import { Link } from "react-router";
import { useList } from "../api/queries";
import type { Destination, Subscription } from "../api/types";
import { Page } from "../shell/page";
import { Badge } from "../ui/badge";
import { ButtonLink } from "../ui/button";
import { Empty, Failed, Loading } from "../ui/state";
import { DataTable, type Column } from "../ui/table";
import { destinationName } from "./name";
import { Delivery } from "./status";

const destinationColumns: Column<Destination>[] = [
  { id: "name", header: "Destination", value: destinationName, cell: (d) => <Link to={`/exports/destinations/${d.id}`}>{destinationName(d)}</Link> },
  { id: "kind", header: "Kind", value: (d) => (d.datadog ? "Datadog" : "Webhook"), cell: (d) => <Badge>{d.datadog ? "Datadog" : "Webhook"}</Badge> },
  { id: "to", header: "To", cell: (d) => <code>{d.datadog ? d.datadog.url || d.datadog.ddsite : d.webhook?.url}</code> },
  { id: "status", header: "Delivery", cell: (d) => <Delivery status={d.status} /> },
];

const subscriptionColumns: Column<Subscription>[] = [
  { id: "name", header: "Subscription", value: (s) => s.description, cell: (s) => <Link to={`/exports/subscriptions/${s.id}`}>{s.description || s.id}</Link> },
  { id: "events", header: "Events", cell: (s) => s.sources.map((x) => <div key={x.type}><code>{x.type}</code>{x.filter !== "" && <> where <code>{x.filter}</code></>}</div>) },
  { id: "destinations", header: "Destinations", value: (s) => s.destination_ids.length, cell: (s) => s.destination_ids.length },
  { id: "status", header: "Delivery", cell: (s) => s.destination_ids.map((id) => <Delivery key={id} status={s.status[id]} />) },
];

const noDestinations: Destination[] = [];
const noSubscriptions: Subscription[] = [];

export function ExportList() {
  const destinations = useList("/api/v1/event-destinations", 10_000);
  const subscriptions = useList("/api/v1/event-subscriptions", 10_000);
  const to = destinations.data?.event_destinations ?? noDestinations;
  const what = subscriptions.data?.event_subscriptions ?? noSubscriptions;
  return (
    <Page title="Exports" lead="Events of the traffic and of changes, sent elsewhere: at least once, and in order.">
      <section className="section">
        <header><h2>Subscriptions</h2><ButtonLink kind={to.length > 0 ? "primary" : "plain"} to="/exports/subscriptions/new">New subscription</ButtonLink></header>
        {subscriptions.isPending && <Loading what="subscriptions" />}
        {subscriptions.error !== null && <Failed error={subscriptions.error} retry={() => void subscriptions.refetch()} />}
        {subscriptions.data !== undefined && what.length === 0 && <Empty title="No subscriptions yet">A subscription says which events go to which destinations.</Empty>}
        {what.length > 0 && <DataTable label="Subscriptions" columns={subscriptionColumns} rows={what} rowKey={(s) => s.id} testid="subscription-row" />}
      </section>
      <section className="section">
        <header><h2>Destinations</h2><ButtonLink kind={to.length === 0 ? "primary" : "plain"} to="/exports/destinations/new">New destination</ButtonLink></header>
        {destinations.isPending && <Loading what="destinations" />}
        {destinations.error !== null && <Failed error={destinations.error} retry={() => void destinations.refetch()} />}
        {destinations.data !== undefined && to.length === 0 && <Empty title="No destinations yet">A destination is Datadog or any webhook.</Empty>}
        {to.length > 0 && <DataTable label="Destinations" columns={destinationColumns} rows={to} rowKey={(d) => d.id} testid="destination-row" />}
      </section>
    </Page>
  );
}
