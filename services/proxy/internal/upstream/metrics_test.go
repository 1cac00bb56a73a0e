package upstream

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// gauge is sluice_proxy_upstream_healthy of a target; -1 when there is none.
func gauge(t *testing.T, p *Pool, target string) float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(p.metrics)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "target" && l.GetValue() == target {
					return m.GetGauge().GetValue()
				}
			}
		}
	}
	return -1
}

func TestMetricsOfEndpointsThatAreGoneGo(t *testing.T) {
	p := newPool(t, Config{})
	doc := to("http://a.test")
	doc.OutlierDetection = &policyv1.OutlierDetection{}
	u := parse(t, doc, nil)
	p.Configure(func(yield func(*Upstream) bool) { yield(u) })
	p.metrics.retries.WithLabelValues("ep_1", reasonStatus).Inc()
	if gauge(t, p, "http://a.test") != 1 || testutil.CollectAndCount(p.metrics.retries) != 1 {
		t.Error("nothing is told of an endpoint that is served")
	}
	p.Configure(func(func(*Upstream) bool) {})
	if gauge(t, p, "http://a.test") != -1 || testutil.CollectAndCount(p.metrics.retries) != 0 {
		t.Error("what is gone is still told of")
	}
}
