package upstream

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics tell how the upstreams do. All but the healthy gauge count what is rare.
type metrics struct {
	pool      *Pool
	healthy   *prometheus.Desc
	ejections *prometheus.CounterVec
	retries   *prometheus.CounterVec
	exhausted *prometheus.CounterVec
	overload  *prometheus.CounterVec
}

func newMetrics(p *Pool, reg prometheus.Registerer) *metrics {
	count := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_proxy_upstream_" + name, Help: help}, append([]string{"endpoint"}, labels...))
	}
	m := &metrics{
		pool: p,
		healthy: prometheus.NewDesc("sluice_proxy_upstream_healthy",
			"Whether a target takes requests: 0 when its health check fails or outlier detection has ejected it. Only of upstreams that have one of these.", []string{"endpoint", "target"}, nil),
		ejections: count("ejections_total", "Times that outlier detection left a target out.", "target"),
		retries:   count("retries_total", "Calls that were made again, by why: connect (nothing was sent), connection, timeout, status.", "reason"),
		exhausted: count("retry_budget_exhausted_total", "Calls that were not made again because there were too many retries."),
		overload:  count("overload_total", "Requests that were refused because every target had as many as it may have."),
	}
	reg.MustRegister(m, m.ejections, m.retries, m.exhausted, m.overload)
	return m
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(to chan<- *prometheus.Desc) { to <- m.healthy }

// Collect implements prometheus.Collector.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	served := m.pool.current.Load()
	if served == nil {
		return
	}
	now := m.pool.clock.Now()
	for _, u := range *served {
		if u.check == nil && u.outliers == nil {
			continue
		}
		for i, member := range u.members {
			value := 0.0
			if u.available(i, now) {
				value = 1
			}
			to <- prometheus.MustNewConstMetric(m.healthy, prometheus.GaugeValue, value, u.endpoint, member.String())
		}
	}
}

// forget drops the counts of endpoints that are gone.
func (m *metrics) forget(before, now []*Upstream) {
	kept := make(map[string]bool, len(now))
	for _, u := range now {
		kept[u.endpoint] = true
	}
	for _, u := range before {
		if kept[u.endpoint] {
			continue
		}
		for _, v := range []*prometheus.CounterVec{m.ejections, m.retries, m.exhausted, m.overload} {
			v.DeletePartialMatch(prometheus.Labels{"endpoint": u.endpoint})
		}
	}
}
