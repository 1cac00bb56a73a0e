import { useParams } from "react-router";
import { useItem } from "../api/queries";
import { Page } from "../shell/page";
import { Failed, Loading } from "../ui/state";
import { MonitorForm } from "./form";

export function MonitorEditor() {
  const { id = "new" } = useParams();
  const { data, error, isPending, refetch } = useItem("/api/v1/monitors/{id}", id === "new" ? "" : id, 10_000);
  if (id === "new") return <MonitorForm key="new" monitor={null} />;
  if (error !== null && data === undefined) return <Page title="Monitor"><Failed error={error} retry={() => void refetch()} /></Page>;
  if (isPending) return <Page title="Monitor"><Loading what="the monitor" /></Page>;
  return <MonitorForm key={data.id} monitor={data} />;
}
