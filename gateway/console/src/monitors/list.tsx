export function MonitorList() { return null; }
