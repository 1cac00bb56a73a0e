package event

import (
	"fmt"
	"strings"
)

// Reference is the page of the documentation that names every field, in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Events

An exported exchange is an event of type ` + "`" + HTTPRequestComplete + "`" + ` in an envelope: ` + "`event_id`, `event_type`, `event_timestamp`, `account_id`, `principal` (null) and `object`" + `.
The paths below lead into ` + "`object`" + `. A subscription sends all of them, or those that its ` + "`fields`" + ` names. A field is left out of an event that has no value for it. What redaction
replaced stays replaced. Bodies are not part of events.

Its ` + "`filter`" + ` is a [search](search.md) and finds most of these by the same names: ` + "`@conn.geo.country_code:CH`, or `cel: ev.http.response.status_code >= 500`" + `.

| Field | Meaning |
| --- | --- |
`)
	for _, f := range fields {
		if f.Recorded {
			fmt.Fprintf(&b, "| `%s` | %s |\n", f.Path, f.Doc)
		}
	}
	b.WriteString("\nKnown and never sent, because exchanges do not have them: ")
	var names []string
	for _, f := range fields {
		if !f.Recorded {
			names = append(names, "`"+f.Path+"`")
		}
	}
	b.WriteString(strings.Join(names, ", ") + ".\n\n")
	writeDestinations(&b)
	return b.String()
}

func writeDestinations(b *strings.Builder) {
	b.WriteString(`## Destinations

- A **webhook** gets CloudEvents 1.0, the envelope as their data, signed by the Standard Webhooks specification if there is a secret.
- **Datadog** gets the envelope as a log of source ` + "`ngrok`" + `, and beside it its standard attributes, for what the subscription selected: ` + "`http.*`, `network.client.ip`,\n  `network.client.geoip.*`, `network.destination.*`, `network.bytes_read`, `network.bytes_written`, `usr.name`, `error.kind`, `error.message` and `duration` in nanoseconds" + `.
`)
}
