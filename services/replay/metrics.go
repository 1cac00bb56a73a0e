package replay

import "github.com/prometheus/client_golang/prometheus"

type metrics struct{ replays *prometheus.CounterVec }

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{replays: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sluice_replay_requests_total", Help: "Requests sent again, by whether the proxy answered.",
	}, []string{"result"})}
	reg.MustRegister(m.replays)
	return m
}

func (m *metrics) sent(err error) {
	result := "answered"
	if err != nil {
		result = "failed"
	}
	m.replays.WithLabelValues(result).Inc()
}
