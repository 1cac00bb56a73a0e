package manifest_test

import (
	"strings"
	"testing"
	"time"

	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"

	"sluice.dev/cmd/sluice/internal/manifest"
)

const good = `
kind: event_subscription
id: esb_a
sources: [{type: http_request_complete.v0}]
destination_ids: [ed_a]
---
kind: endpoint
url: https://a.example
upstream: {url: http://localhost:4000}
traffic_policy:
  on_http_request:
    - actions: [{type: deny}]
---
# nothing here
---
kind: event_destination
id: ed_a
webhook: {url: "https://hooks.example"}
`

func TestParseOrdersByReference(t *testing.T) {
	docs, err := manifest.Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, d := range docs {
		kinds = append(kinds, d.Kind)
	}
	if got := strings.Join(kinds, " "); got != "endpoint event_destination event_subscription" {
		t.Errorf("order: %s", got)
	}
	e := docs[0].Message.(*policyv1.Endpoint)
	if !strings.Contains(e.GetTrafficPolicy(), "type: deny") {
		t.Errorf("the inline policy became %q", e.GetTrafficPolicy())
	}
	if got := strings.Join(docs[0].Mask.GetPaths(), " "); got != "traffic_policy upstream url" {
		t.Errorf("mask: %s", got)
	}
	if s := docs[2].Message.(*eventsv1.EventSubscription); s.GetDestinationIds()[0] != "ed_a" {
		t.Errorf("destination_ids: %v", s.GetDestinationIds())
	}
}

func TestParseReportsEveryFault(t *testing.T) {
	const bad = `kind: endpoint
url: https://a.example
upstrem: {url: x}
---
kind: endpont
url: https://b.example
---
kind: monitor
name: m
critical: "many"
`
	_, err := manifest.Parse([]byte(bad))
	e := errs.As(err)
	if e == nil || len(e.Violations) != 3 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []struct {
		field string
		line  int
	}{{"upstrem", 3}, {"kind", 5}, {"critical", 10}} {
		v := e.Violations[i]
		if v.Field != want.field || v.Line != want.line {
			t.Errorf("fault %d: field %q line %d (%s), want %q line %d", i, v.Field, v.Line, v.Message, want.field, want.line)
		}
	}
	if hint := e.Violations[1].Hint; !strings.Contains(hint, "event_destination") {
		t.Errorf("hint: %s", hint)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("kind: endpoint\n: :\n"))
	f.Fuzz(func(_ *testing.T, source []byte) { _, _ = manifest.Parse(source) })
}

// TestParseReadsPoolsOfUpstreams with every rule that they may have.
func TestParseReadsPoolsOfUpstreams(t *testing.T) {
	const pool = `
kind: endpoint
url: https://a.example
upstream:
  targets:
    - {url: http://localhost:4000, weight: 3}
    - url: http://localhost:4001
  balancing: BALANCING_LEAST_REQUESTS
  protocol: UPSTREAM_PROTOCOL_HTTP2
  health_check: {path: /healthz, interval: 5s, timeout: 0.5s, healthy_threshold: 1, unhealthy_threshold: 2, expected_statuses: ["200", 2xx], host: api.example}
  outlier_detection: {consecutive_failures: 3, ejection_time: 20s, max_ejected_percent: 34}
  retry: {attempts: 2, statuses: [503], methods: [GET, POST], budget_percent: 10}
  max_requests: 100
  timeouts: {connect: 1s, first_byte: 30s, idle: 60s}
`
	docs, err := manifest.Parse([]byte(pool))
	if err != nil {
		t.Fatal(err)
	}
	u := docs[0].Message.(*policyv1.Endpoint).GetUpstream()
	if len(u.GetTargets()) != 2 || u.GetTargets()[0].GetWeight() != 3 || u.GetBalancing() != policyv1.Balancing_BALANCING_LEAST_REQUESTS || u.GetProtocol() != policyv1.UpstreamProtocol_UPSTREAM_PROTOCOL_HTTP2 || u.GetMaxRequests() != 100 {
		t.Errorf("targets: %v", u)
	}
	if c := u.GetHealthCheck(); c.GetTimeout().AsDuration() != 500*time.Millisecond || c.GetExpectedStatuses()[1] != "2xx" || c.GetUnhealthyThreshold() != 2 {
		t.Errorf("health check: %v", c)
	}
	if r := u.GetRetry(); r.GetAttempts() != 2 || len(r.GetMethods()) != 2 || u.GetOutlierDetection().GetMaxEjectedPercent() != 34 || u.GetTimeouts().GetFirstByte().AsDuration() != 30*time.Second {
		t.Errorf("rules: %v", u)
	}
	if got := strings.Join(docs[0].Mask.GetPaths(), " "); got != "upstream url" {
		t.Errorf("mask: %s", got)
	}
	_, err = manifest.Parse([]byte(strings.Replace(pool, "weight: 3", "wieght: 3", 1)))
	if e := errs.As(err); e == nil || len(e.Violations) != 1 || !strings.Contains(e.Violations[0].Message, "wieght") {
		t.Errorf("a field that does not exist: %+v", e)
	}
}
