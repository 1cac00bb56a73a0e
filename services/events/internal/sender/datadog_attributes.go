package sender

import (
	"math"
	"net/url"
	"time"

	"sluice.dev/services/events/internal/event"
)

// standardAttributes are those of Datadog's standard attributes that an event has a
// value for. Its log search, facets and the geo map go by these names.
type standardAttributes struct {
	HTTP     map[string]any `json:"http,omitempty"`
	Network  map[string]any `json:"network,omitempty"`
	User     map[string]any `json:"usr,omitempty"`
	Error    map[string]any `json:"error,omitempty"`
	Duration int64          `json:"duration,omitempty"` // ns
}

// attribute is a standard attribute and the field of the event that it repeats.
type attribute struct{ name, field string }

var httpAttributes = []attribute{
	{"method", "http.request.method"},
	{"request_id", "http.request.id"},
	{"route", "http.route"},
	{"status_code", "http.response.status_code"},
	{"url", "http.request.url.raw"},
	{"url_details.host", "http.request.url.host"},
	{"url_details.path", "http.request.url.path"},
	{"url_details.port", "http.request.url.port"},
	{"url_details.scheme", "http.request.url.scheme"},
	{"useragent", "http.request.user_agent"},
	{"version", "http.request.version"},
}

var networkAttributes = []attribute{
	{"bytes_read", "conn.bytes_in"},
	{"bytes_written", "conn.bytes_out"},
	{"client.ip", "conn.client_ip"},
	{"client.port", "conn.client_port"},
	{"client.geoip.as.name", "conn.geo.as.organization"},
	{"client.geoip.as.number", "conn.geo.as.number"},
	{"client.geoip.city.name", "conn.geo.city"},
	{"client.geoip.continent.code", "conn.geo.continent_code"},
	{"client.geoip.country.iso_code", "conn.geo.country_code"},
	{"client.geoip.country.name", "conn.geo.country"},
	{"client.geoip.location.latitude", "conn.geo.latitude"},
	{"client.geoip.location.longitude", "conn.geo.longitude"},
	{"client.geoip.subdivision.iso_code", "conn.geo.subdivision_code"},
	{"destination.ip", "conn.server_ip"},
	{"destination.port", "conn.server_port"},
}

// attributesOf repeats only what the subscription selected.
func attributesOf(e event.Event) standardAttributes {
	a := standardAttributes{
		HTTP:    repeated(e, httpAttributes),
		Network: repeated(e, networkAttributes),
		User:    repeated(e, []attribute{{"name", "usr.name"}}),
		Error:   repeated(e, []attribute{{"kind", "error.code"}, {"message", "error.message"}}),
	}
	if ms, ok := lookup[float64](e, "http.duration_ms"); ok {
		a.Duration = int64(math.Round(ms * float64(time.Millisecond)))
	}
	if raw, ok := lookup[string](e, "http.request.url.query"); ok {
		event.Put(a.HTTP, "url_details.queryString", parameters(raw))
	}
	if headers, ok := lookup[map[string][]string](e, "http.request.headers"); ok && len(headers["Referer"]) > 0 {
		event.Put(a.HTTP, "referer", headers["Referer"][0])
	}
	return a
}

// repeated is empty when the event has none of the fields.
func repeated(e event.Event, list []attribute) map[string]any {
	out := map[string]any{}
	for _, one := range list {
		if v, ok := e.Lookup(one.field); ok {
			event.Put(out, one.name, v)
		}
	}
	return out
}

// parameters are those of a raw query, decoded: a text, or a list where one occurs
// more than once. What does not decode is left out.
func parameters(raw string) map[string]any {
	values, _ := url.ParseQuery(raw)
	out := make(map[string]any, len(values))
	for name, all := range values {
		if out[name] = all; len(all) == 1 {
			out[name] = all[0]
		}
	}
	return out
}
