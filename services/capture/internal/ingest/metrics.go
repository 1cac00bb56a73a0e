package ingest

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what is taken in.
type Metrics struct {
	rows, batches, duplicates prometheus.Counter
	failures                  *prometheus.CounterVec
	insert, lag               prometheus.Histogram
	queue, memory, streams    prometheus.Gauge
}

// NewMetrics registers the metrics with r.
func NewMetrics(r prometheus.Registerer) *Metrics {
	seconds := []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 5, 30}
	m := &Metrics{
		rows:       prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_capture_rows_total", Help: "Exchanges that were stored and acknowledged."}),
		batches:    prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_capture_batches_total", Help: "Batches that were stored and acknowledged."}),
		duplicates: prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_capture_duplicate_batches_total", Help: "Batches that came again and were recognised."}),
		failures:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_capture_commit_failures_total", Help: "Attempts to commit a batch that failed and were repeated, by step."}, []string{"step"}),
		insert:     prometheus.NewHistogram(prometheus.HistogramOpts{Name: "sluice_capture_insert_seconds", Help: "Time of one insert into ClickHouse.", Buckets: seconds}),
		lag:        prometheus.NewHistogram(prometheus.HistogramOpts{Name: "sluice_capture_commit_lag_seconds", Help: "Time from a batch's arrival to its publication.", Buckets: seconds}),
		queue:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_capture_queue_batches", Help: "Batches that wait or are being stored."}),
		memory:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_capture_queue_bytes", Help: "Memory of the batches that wait or are being stored."}),
		streams:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_capture_ingest_streams", Help: "Proxies that are connected."}),
	}
	r.MustRegister(m.rows, m.batches, m.duplicates, m.failures, m.insert, m.lag, m.queue, m.memory, m.streams)
	return m
}

func (m *Metrics) queued(batches int, bytes int64) {
	m.queue.Add(float64(batches))
	m.memory.Add(float64(bytes))
}

func (m *Metrics) committed(rows int, since, now time.Time) {
	m.rows.Add(float64(rows))
	m.batches.Inc()
	m.lag.Observe(now.Sub(since).Seconds())
}
