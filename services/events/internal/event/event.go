// Package event is the form in which Sluice exports what happened: an envelope
// around an object whose field names are public and stable. It knows how an
// exchange becomes an http_request_complete.v0 event; where events go and how
// they are wrapped for a receiver is package sender's.
package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sluice.dev/platform/id"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Types of events that are exported.
const (
	HTTPRequestComplete = "http_request_complete.v0"
	Test                = "test"
)

// Event is one thing that happened.
type Event struct {
	// ID is the same however often the event is sent: receivers tell repeats by it.
	ID      string
	Type    string
	Time    time.Time
	Account string
	// Object holds only the fields of the Selection, nested by their paths.
	Object map[string]any
	// Endpoint names the endpoint that served the exchange; it is not part of the
	// envelope.
	Endpoint Endpoint
}

// Endpoint identifies the source of an event.
type Endpoint struct{ ID, Name string }

// NewTest returns an event of type "test", which carries nothing.
func NewTest(now time.Time) Event {
	return Event{ID: id.Event.At(now), Type: Test, Time: now, Object: map[string]any{}}
}

// IDOf is the id of the event of an exchange: it has the exchange's own 26
// characters, so that sending an exchange again repeats the id.
func IDOf(exchange string) string {
	_, unique, found := strings.Cut(exchange, "_")
	if !found {
		unique = exchange
	}
	return string(id.Event) + "_" + unique
}

// Completed is when an exchange ended, to the precision of its record.
func Completed(ex *capturev1.Exchange) time.Time {
	return ex.GetStartTime().AsTime().Add(ex.GetTimings().GetDuration().AsDuration())
}

type envelope struct {
	ID        string         `json:"event_id"`
	Type      string         `json:"event_type"`
	Timestamp string         `json:"event_timestamp"`
	Account   string         `json:"account_id"`
	Principal any            `json:"principal"`
	Object    map[string]any `json:"object"`
}

// testEnvelope is the shorter envelope of a test event.
type testEnvelope struct {
	ID        string         `json:"event_id"`
	Type      string         `json:"event_type"`
	Timestamp string         `json:"event_timestamp"`
	Object    map[string]any `json:"object"`
}

// Timestamp is the event's time in RFC 3339, UTC.
func (e Event) Timestamp() string { return e.Time.UTC().Format(time.RFC3339Nano) }

// Envelope returns the event as a value for encoding/json: the fields event_id,
// event_type, event_timestamp, account_id, principal and object.
func (e Event) Envelope() any {
	if e.Type == Test {
		return testEnvelope{e.ID, e.Type, e.Timestamp(), e.Object}
	}
	return envelope{e.ID, e.Type, e.Timestamp(), e.Account, nil, e.Object}
}

// JSON encodes the envelope.
func (e Event) JSON() ([]byte, error) {
	raw, err := json.Marshal(e.Envelope())
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return raw, nil
}

// Lookup returns the value at a path such as http.response.status_code.
func (e Event) Lookup(path string) (any, bool) {
	var at any = e.Object
	for part := range strings.SplitSeq(path, ".") {
		level, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		if at, ok = level[part]; !ok {
			return nil, false
		}
	}
	return at, true
}
