package limit

import "github.com/prometheus/client_golang/prometheus"

type outcomes struct {
	allowed, leased, refused, refusedCached, localAllowed, localRefused, unavailable prometheus.Counter
	returned                                                                         prometheus.Counter
}

func newOutcomes(reg prometheus.Registerer) outcomes {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sluice_proxy_rate_limit_checks_total",
		Help: "Rate limit checks by outcome: by the shared counter (allowed, refused), by what is known of it (leased, refused_cached), by this proxy alone (local_allowed, local_refused), or not at all (unavailable).",
	}, []string{"outcome"})
	returned := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "sluice_proxy_rate_limit_returned_permits_total", Help: "Leased permits that were not used and given back.",
	})
	reg.MustRegister(v, returned)
	return outcomes{
		allowed: v.WithLabelValues("allowed"), leased: v.WithLabelValues("leased"),
		refused: v.WithLabelValues("refused"), refusedCached: v.WithLabelValues("refused_cached"),
		localAllowed: v.WithLabelValues("local_allowed"), localRefused: v.WithLabelValues("local_refused"), unavailable: v.WithLabelValues("unavailable"),
		returned: returned,
	}
}
