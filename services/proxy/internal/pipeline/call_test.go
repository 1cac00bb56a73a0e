package pipeline_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/outbound"
	"sluice.dev/services/proxy/internal/pipeline"
)

// asking tells what a policy was answered at url.
func asking(url string) string {
	return `
on_http_request:
  - actions:
      - {type: http-request, config: {url: "` + url + `", method: POST, body: question, timeout: 2s}}
  - expressions: ["has(actions.ngrok.http_request.error.code)"]
    actions: [{type: custom-response, config: {status_code: 299, body: "${actions.ngrok.http_request.error.code} ${actions.ngrok.http_request.error.message}"}}]
  - actions: [{type: custom-response, config: {status_code: 200, body: "${actions.ngrok.http_request.res.status_code} ${actions.ngrok.http_request.res.body}"}}]
`
}

// called serves a request whose policy makes another, to the network only as far
// as these ranges are allowed.
func called(t *testing.T, policy string, allowed ...netip.Prefix) (*taken, *upstreams, *capturev1.Exchange) {
	t.Helper()
	client := outbound.New(outbound.NewGuard(allowed...), nil)
	defer client.Close()
	to, up := &taken{}, &upstreams{}
	secret := endpointAt("ep_s", "https://secret.internal", "", `on_http_request: [{actions: [{type: custom-response, config: {body: "it is ${secrets.get('v', 'n')}"}}]}]`)
	loop := endpointAt("ep_l", "https://loop.internal", "", "on_http_request: [{actions: [{type: remove-headers, config: {headers: [sluice-req-hops]}}, {type: http-request, config: {url: 'https://loop.internal/again', on_error: halt}}, {type: deny}]}]")
	docs := append([]*policyv1.Endpoint{endpointAt("ep_1", "https://api.test", "http://own.test", policy), secret, loop}, internals...)
	g, store, recorder, _ := newGatewayOf(t, docs, up, trafficpolicy.Services{HTTP: client}, pipeline.Config{}, policyv1.CaptureMode_CAPTURE_MODE_FULL)
	store.Replace(&policyv1.Snapshot{Revision: 2, Endpoints: docs, Capture: store.State().Capture, Secrets: []*policyv1.SecretValue{{Id: "sec_1", Vault: "v", Name: "n", Value: "planted-9f4e2c"}}})
	if !g.Serve(context.Background(), connection("192.0.2.1:1"), request(), to) {
		t.Fatal("the connection was cut")
	}
	records := recorded(t, recorder)
	if len(records) != 1 || g.Active() != 0 {
		t.Fatalf("%d records, %d active", len(records), g.Active())
	}
	return to, up, records[0]
}

func TestPoliciesAskInternalEndpoints(t *testing.T) {
	for url, want := range map[string]struct{ body, calls string }{
		"https://users.internal/check?x=1": {"200 users.test got question host users.internal xff 192.0.2.1", "users.test"},
		"https://Users.Internal:443/":      {"200 users.test got question", "users.test"},
		"https://tea.internal":             {"418 tea", ""},
		"https://chain.internal":           {"200 users.test got question", "users.test"},
		"https://guarded.internal":         {"403 ", ""},
		"https://none.internal":            {"SLUICE_4502 http-request: no endpoint is published at https://none.internal", ""},
		"http://users.internal":            {"SLUICE_4502 http-request: no endpoint is published", ""},
		"https://closed.internal":          {"SLUICE_4502 http-request: the internal endpoint closed the connection", ""},
		"https://down.internal":            {"SLUICE_4502 http-request: SLUICE_3006", "down.test"},
		"https://loop.internal":            {"403 ", ""},
	} {
		to, up, record := called(t, asking(url))
		if !strings.HasPrefix(to.body, want.body) || strings.Contains(to.body, "192.0.2.1, ") || strings.Join(up.calls, " ") != want.calls {
			t.Errorf("%s: %d %q, called %v", url, to.res.Status, to.body, up.calls)
		}
		if record.GetEndpointId() != "ep_1" || record.GetPolicy().GetAction() != "custom-response" {
			t.Errorf("%s: recorded %v", url, record)
		}
	}
}

// TestSecretsOfAskedEndpointsAreNotRecorded: the answer reaches the caller's trace.
func TestSecretsOfAskedEndpointsAreNotRecorded(t *testing.T) {
	to, _, record := called(t, asking("https://secret.internal"))
	if to.body != "200 it is planted-9f4e2c" || strings.Contains(record.String(), "planted-9f4e2c") || !strings.Contains(record.String(), "http-request") {
		t.Errorf("%q, recorded %v", to.body, record)
	}
}

func TestPoliciesAskOnlyAllowedNetworks(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("to " + r.Method)) }))
	defer s.Close()
	if to, _, _ := called(t, asking(s.URL)); !strings.HasPrefix(to.body, string(trafficpolicy.CodeCallAddress)) {
		t.Errorf("loopback was called: %q", to.body)
	}
	if to, _, _ := called(t, asking(s.URL), netip.MustParsePrefix("127.0.0.0/8")); to.body != "200 to POST" {
		t.Errorf("an allowed network: %q", to.body)
	}
}
