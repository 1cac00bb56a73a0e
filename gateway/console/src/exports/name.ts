import type { Destination } from "../api/types";

// destinationName is what people call a destination.
export function destinationName(d: Destination): string {
  if (d.description !== "") return d.description;
  if (d.datadog) return `Datadog ${d.datadog.url || d.datadog.ddsite}`;
  return d.webhook?.url ?? d.id;
}
