package follow

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/services/capture/internal/heads"
	"sluice.dev/services/capture/internal/store"
)

// Metrics count what followers get.
type Metrics struct {
	followers prometheus.Gauge
	rows      prometheus.Counter
	lag       prometheus.Histogram
}

// NewMetrics registers the metrics with r.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		followers: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_capture_followers", Help: "Readers that follow the log: live tails and exports."}),
		rows:      prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_capture_followed_rows_total", Help: "Exchanges that were sent to followers."}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sluice_capture_follow_lag_seconds", Help: "Age in the log of the newest exchange that a follower that had caught up was sent.",
			Buckets: []float64{.02, .05, .1, .2, .5, 1, 2, 5, 10},
		}),
	}
	r.MustRegister(m.followers, m.rows, m.lag)
	return m
}

func (m *Metrics) sent(entries []store.Entry, caughtUp bool) {
	if len(entries) == 0 {
		return
	}
	m.rows.Add(float64(len(entries)))
	if caughtUp {
		m.lag.Observe(time.Since(heads.Time(entries[len(entries)-1].Seq)).Seconds())
	}
}
