package pipeline_test

import (
	"maps"
	"strings"
	"testing"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/pipeline"
)

func TestDecisionsAreRecorded(t *testing.T) {
	const signed = `
on_tcp_connect: [{actions: [{type: restrict-ips, config: {allow: ["192.0.2.0/24"]}}]}]
on_http_request:
  - actions:
      - {type: circuit-breaker, config: {volume_threshold: 2, error_threshold: 1}}
      - {type: owasp-crs-request}
on_http_response: [{actions: [{type: compress-response}]}]
`
	up := &seen{response: func() *message.Response {
		return message.NewResponse(200, message.Header{{Name: "Content-Type", Value: "text/plain"}}, strings.Repeat("compress me ", 1000))
	}}
	doc := endpointAt("ep_1", "https://api.test", "http://own.test", signed)
	g, recorder, _ := newGateway(t, doc, up, trafficpolicy.Services{Breakers: trafficpolicy.NewBreakers(nil)}, pipeline.Config{}, policyv1.CaptureMode_CAPTURE_MODE_FULL)
	g.Serve(t.Context(), connection("192.0.2.1:1"), request("Accept-Encoding", "gzip"), &taken{})
	got := recorded(t, recorder)[0].GetPolicy().GetDecisions()
	if want := map[string]string{"ip_restriction": "allow", "circuit_breaker": "allow", "owasp": "allow", "compression": "gzip"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNoDecisionsWithoutActions(t *testing.T) {
	if e := serve(t, tracedPolicy, pipeline.Config{}, connection("192.0.2.1:1000"), request()).record; len(e.GetPolicy().GetDecisions()) != 0 {
		t.Errorf("got %v", e.GetPolicy().GetDecisions())
	}
}

// phasesOf tells the phases of a trace and whose they are.
func phasesOf(e *capturev1.Exchange) string {
	var out []string
	for _, p := range e.GetPolicyTrace().GetPhases() {
		out = append(out, strings.TrimPrefix(p.GetEndpointUrl(), "https://")+":"+p.GetPhase())
	}
	return strings.Join(out, " ")
}

// TestInternalEndpointsAreTraced: the policies of those that a request was forwarded
// to, after that of the endpoint itself.
func TestInternalEndpointsAreTraced(t *testing.T) {
	_, _, record, _ := forwarded(t, "https://api.test", forwardTo("users", "halt"), nil)
	if got, want := phasesOf(record), ":on_http_request :on_http_response users.internal:on_http_request users.internal:on_http_response"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, _, record, _ = forwarded(t, "https://api.test", forwardTo("fenced", "halt"), nil)
	if got := record.GetPolicy().GetDecisions()["ip_restriction"]; got != "deny" || record.GetPolicy().GetAction() != "forward-internal" {
		t.Errorf("a refusal by the internal endpoint: %v", record.GetPolicy())
	}
}

// TestAskedEndpointsDoNotDecide: what an endpoint decided that a policy asked is in
// the trace, and not the decision about the client's request.
func TestAskedEndpointsDoNotDecide(t *testing.T) {
	_, _, record := called(t, asking("https://fenced.internal"))
	if got := phasesOf(record); !strings.Contains(got, "fenced.internal:on_http_request") {
		t.Errorf("phases %s", got)
	}
	if got := record.GetPolicy().GetDecisions(); len(got) != 0 {
		t.Errorf("decisions %v", got)
	}
}
