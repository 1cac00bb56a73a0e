package pipeline_test

import (
	"strings"
	"testing"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/services/proxy/internal/pipeline"
)

const tracedPolicy = `
on_http_request:
  - name: only posts
    expressions: ["req.method == 'POST'"]
    actions: [{type: deny}]
  - name: limit
    actions:
      - {type: rate-limit, config: {name: n, algorithm: sliding_window, capacity: 9, rate: 60s, bucket_key: ["req.headers['authorization'][0]"]}}
on_http_response:
  - name: mark
    actions:
      - {type: log, config: {metadata: {sent: "${req.headers['authorization'][0]}"}}}
      - {type: add-headers, config: {headers: {x-a: b}}}
`

func TestTraceIsRecordedWithoutCredentials(t *testing.T) {
	req := request()
	req.Header.Set("Authorization", "Bearer abcdefghijkl")
	e := serve(t, tracedPolicy, pipeline.Config{}, connection("192.0.2.1:1000"), req).record
	trace := e.GetPolicyTrace()
	phases := trace.GetPhases()
	if len(phases) != 2 || phases[0].GetPhase() != "on_http_request" || len(phases[0].GetRules()) != 2 || trace.GetDuration().AsDuration() <= 0 {
		t.Fatalf("got %v", trace)
	}
	skipped, limited := phases[0].GetRules()[0], phases[0].GetRules()[1]
	if skipped.GetMatched() || skipped.GetName() != "only posts" || skipped.GetFalseExpression() != "req.method == 'POST'" || len(skipped.GetActions()) != 0 {
		t.Errorf("got %v", skipped)
	}
	action := limited.GetActions()[0]
	if !limited.GetMatched() || action.GetType() != "rate-limit" || action.GetOutcome() != capturev1.PolicyActionTrace_OUTCOME_CONTINUED || !strings.Contains(action.GetResults(), `"limited":false`) {
		t.Errorf("got %v", limited)
	}
	if p := e.GetPolicy(); p.GetRateLimitBucket() == "" || len(p.GetLogs()) != 1 || strings.Contains(e.String(), "abcdefghijkl") || !strings.Contains(action.GetResults(), "[redacted]") {
		t.Errorf("the record shows the credentials: %v", e)
	}
	if got := phases[1].GetRules()[0].GetActions()[1].GetResults(); got != `{"headers_added":{"x-a":"b"}}` {
		t.Errorf("got %s", got)
	}
}

func TestNoTraceWithoutPolicy(t *testing.T) {
	if e := serve(t, "", pipeline.Config{}, connection("192.0.2.1:1000"), request()).record; e.GetPolicyTrace() != nil {
		t.Errorf("got %v", e.GetPolicyTrace())
	}
}
