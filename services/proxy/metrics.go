package proxy

import (
	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/services/proxy/internal/tap"
)

// accounting shows what became of the recorded exchanges: all figures of one
// scrape are of the same moment.
type accounting struct {
	ledger    *tap.Ledger
	spool     func() int64
	seen      *prometheus.Desc
	stored    *prometheus.Desc
	sampled   *prometheus.Desc
	dropped   *prometheus.Desc
	pending   *prometheus.Desc
	recovered *prometheus.Desc
	bytes     *prometheus.Desc
	parts     *prometheus.Desc
}

func newAccounting(ledger *tap.Ledger, spoolBytes func() int64) *accounting {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sluice_proxy_"+name, help, labels, nil)
	}
	return &accounting{ledger: ledger, spool: spoolBytes,
		seen:      desc("exchanges_seen_total", "Exchanges that ended: stored + sampled + dropped + pending."),
		stored:    desc("exchanges_stored_total", "Exchanges that the capture service acknowledged."),
		sampled:   desc("exchanges_sampled_total", "Exchanges that the sample rate left out."),
		dropped:   desc("exchanges_dropped_total", "Exchanges whose record was lost.", "reason"),
		pending:   desc("exchanges_pending", "Exchanges in memory or in the spool."),
		recovered: desc("exchanges_recovered_total", "Exchanges of an earlier run, acknowledged in this one."),
		bytes:     desc("spool_bytes", "What the spool takes on disk."),
		parts:     desc("bodies_cut_total", "Bodies of which the rest is not recorded for want of memory or disk; their exchanges are."),
	}
}

// Describe implements prometheus.Collector.
func (a *accounting) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(a, ch) }

// Collect implements prometheus.Collector.
func (a *accounting) Collect(ch chan<- prometheus.Metric) {
	c := a.ledger.Counts()
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	counter(a.seen, c.Seen)
	counter(a.stored, c.Stored)
	counter(a.sampled, c.Sampled)
	counter(a.recovered, c.Recovered)
	counter(a.parts, c.LostParts)
	for _, r := range tap.Reasons() {
		counter(a.dropped, c.Dropped[r], r.String())
	}
	ch <- prometheus.MustNewConstMetric(a.pending, prometheus.GaugeValue, float64(c.Pending))
	ch <- prometheus.MustNewConstMetric(a.bytes, prometheus.GaugeValue, float64(a.spool()))
}
