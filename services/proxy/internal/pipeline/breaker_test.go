package pipeline_test

import (
	"context"
	"testing"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/pipeline"
)

// TestBreakerOutlivesThePolicy: publishing it again does not close the breaker.
func TestBreakerOutlivesThePolicy(t *testing.T) {
	const policy = "on_http_request: [{actions: [{type: circuit-breaker, config: {volume_threshold: 2, error_threshold: 1}}]}]"
	doc := &policyv1.Endpoint{Id: "ep_1", Url: "https://api.test", Revision: 1, Upstream: &policyv1.Upstream{Url: "http://127.0.0.1:1"}, TrafficPolicy: policy}
	up := &seen{response: func() *message.Response { return message.NewResponse(502, nil, "") }}
	g, store, _, _ := newGatewayOf(t, []*policyv1.Endpoint{doc}, up, trafficpolicy.Services{Breakers: trafficpolicy.NewBreakers(nil)}, pipeline.Config{}, policyv1.CaptureMode_CAPTURE_MODE_METADATA)
	ask := func(want int) *taken {
		t.Helper()
		up.request = nil
		to := &taken{}
		g.Serve(context.Background(), connection("192.0.2.1:1"), request(), to)
		if to.res.Status != want || (up.request == nil) != (want == 503) {
			t.Errorf("got %d %s, want %d; reached the upstream: %t", to.res.Status, to.body, want, up.request != nil)
		}
		return to
	}
	ask(502)
	ask(502)
	ask(503)
	again := &policyv1.Endpoint{Id: "ep_1", Url: doc.GetUrl(), Revision: 2, Upstream: doc.GetUpstream(), TrafficPolicy: policy + "\n"}
	store.Apply(&policyv1.Delta{Revision: 2, Changed: []*policyv1.Endpoint{again}})
	if to := ask(503); !to.res.Header.Has("retry-after") {
		t.Errorf("no word on when to try again: %s", fields(to.res.Header))
	}
}
