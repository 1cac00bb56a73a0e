package delivery

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	records  *prometheus.CounterVec
	retries  *prometheus.CounterVec
	attempts *prometheus.HistogramVec
	lag      *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_events_delivery_records_total", Help: "Events delivered to, or refused for good by, a destination.",
		}, []string{"destination", "result"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_events_delivery_retries_total", Help: "Attempts after which events had to wait.",
		}, []string{"destination"}),
		attempts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sluice_events_delivery_attempt_seconds", Help: "Time of one request to a destination.", Buckets: []float64{.005, .025, .1, .5, 2.5, 10},
		}, []string{"destination"}),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sluice_events_delivery_lag_seconds", Help: "From the end of an exchange to its delivery, of the newest event.",
		}, []string{"destination"}),
	}
	r.MustRegister(m.records, m.retries, m.attempts, m.lag)
	return m
}

func (m *metrics) attempt(at pair, took time.Duration) {
	m.attempts.WithLabelValues(at.destination).Observe(took.Seconds())
}

func (m *metrics) retried(at pair) { m.retries.WithLabelValues(at.destination).Inc() }

func (m *metrics) settled(at pair, s settled) {
	m.records.WithLabelValues(at.destination, "delivered").Add(float64(s.delivered))
	m.records.WithLabelValues(at.destination, "rejected").Add(float64(len(s.refused)))
	if !s.newest.IsZero() {
		m.lag.WithLabelValues(at.destination).Set(max(0, time.Since(s.newest).Seconds()))
	}
}
