export function DestinationEditor() { return null; }
