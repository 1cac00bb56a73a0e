// Package notify turns what a monitor found into messages, and sends them to
// notification channels: ntfy topics and webhooks. It tries once; package outbox
// retries. What a monitor found is package monitor's to decide.
package notify
