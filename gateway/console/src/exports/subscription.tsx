export function SubscriptionEditor() { return null; }
