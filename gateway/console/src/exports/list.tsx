export function ExportList() { return null; }
