package ratelimit

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// Metrics of a limiter.
type Metrics struct {
	allowed, refused, unavailable prometheus.Counter
	granted, returned             prometheus.Counter
	latency, checks, buckets      prometheus.Histogram
}

// NewMetrics registers the metrics of a limiter.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	decisions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sluice_policy_rate_limit_decisions_total", Help: "Rate limit checks answered, by result.",
	}, []string{"result"})
	permits := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sluice_policy_rate_limit_permits_total", Help: "Permits granted to proxies, and given back unused.",
	}, []string{"way"})
	m := &Metrics{
		allowed: decisions.WithLabelValues("allowed"), refused: decisions.WithLabelValues("refused"), unavailable: decisions.WithLabelValues("unavailable"),
		granted: permits.WithLabelValues("granted"), returned: permits.WithLabelValues("returned"),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sluice_policy_rate_limit_redis_seconds", Help: "Round trips to Redis for rate limits.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25},
		}),
		checks: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sluice_policy_rate_limit_batch_checks", Help: "Checks in one round trip to Redis.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 7),
		}),
		buckets: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sluice_policy_rate_limit_batch_buckets", Help: "Buckets in one round trip to Redis.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 7),
		}),
	}
	for _, c := range []prometheus.Collector{decisions, permits, m.latency, m.checks, m.buckets} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) observe(b *batch, took time.Duration) {
	checks := 0
	for _, r := range b.requests {
		checks += r.waiting
	}
	m.latency.Observe(took.Seconds())
	m.checks.Observe(float64(checks))
	m.buckets.Observe(float64(len(b.requests)))
}

func (m *Metrics) count(decisions []*policyv1.RateLimitDecision) {
	var allowed, unavailable int
	var granted int64
	for _, d := range decisions {
		switch {
		case d.GetUnavailable():
			unavailable++
		case d.GetAllowed():
			allowed++
			granted += d.GetGranted()
		}
	}
	m.allowed.Add(float64(allowed))
	m.unavailable.Add(float64(unavailable))
	m.granted.Add(float64(granted))
	m.refused.Add(float64(len(decisions) - allowed - unavailable))
}
