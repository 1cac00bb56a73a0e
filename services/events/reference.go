package events

import "sluice.dev/services/events/internal/event"

// Reference is the page of the documentation about exported events, in Markdown.
func Reference() string { return event.Reference() }
