export function MonitorEditor() { return null; }
