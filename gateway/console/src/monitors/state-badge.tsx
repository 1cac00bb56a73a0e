import type { Monitor, MonitorState } from "../api/types";
import { Badge, type Tone } from "../ui/badge";

const shown: Record<MonitorState, { label: string; tone: Tone }> = {
  MONITOR_STATE_UNSPECIFIED: { label: "No data yet", tone: "plain" },
  MONITOR_STATE_PENDING: { label: "Pending", tone: "plain" },
  MONITOR_STATE_OK: { label: "OK", tone: "good" },
  MONITOR_STATE_ALERT: { label: "Alert", tone: "bad" },
};

export function StateBadge({ state }: { state: MonitorState }) {
  const s = shown[state];
  return <Badge tone={s.tone} testid="monitor-state">{s.label}</Badge>;
}

export function stateOf(monitor: Monitor): MonitorState {
  return monitor.status?.state ?? "MONITOR_STATE_UNSPECIFIED";
}
