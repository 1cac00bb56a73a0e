package pipeline

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Registerer takes the metrics.
type Registerer = prometheus.Registerer

// metrics resolves its labels once, so that a request costs only atomic adds.
type metrics struct {
	active   atomic.Int64
	classes  [6]prometheus.Counter // by first digit of the status; 0: no response
	duration prometheus.Histogram
}

func newMetrics(reg Registerer) *metrics {
	m := &metrics{}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sluice_proxy_requests_total",
		Help: "Requests by class of the response's status; none: the client went away or the connection was closed.",
	}, []string{"code"})
	for i, class := range []string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		m.classes[i] = requests.WithLabelValues(class)
	}
	m.duration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "sluice_proxy_request_duration_seconds",
		Help:    "Time from the end of a request's head to the end of its response.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
	})
	active := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sluice_proxy_active_requests",
		Help: "Requests being served, upgraded connections included.",
	}, func() float64 { return float64(m.active.Load()) })
	reg.MustRegister(requests, m.duration, active)
	return m
}

func (m *metrics) done(status int, took time.Duration) {
	class := status / 100
	if class < 0 || class >= len(m.classes) {
		class = 5
	}
	m.classes[class].Inc()
	if took > 0 {
		m.duration.Observe(took.Seconds())
	}
}
