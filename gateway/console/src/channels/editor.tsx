export function ChannelEditor() { return null; }
