package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/platform/clock"
	"sluice.dev/services/proxy/internal/http1/transport"
)

// Config bounds calls.
type Config struct {
	Timeouts    transport.Timeouts // of upstreams that have none of their own; 0 means 5 s, 5 min and 5 min
	IdleTimeout time.Duration      // a pooled connection is kept this long; 0 means 5 min
	HeadLimit   int64              // bytes of a response head; 0 means 1 MB
	IdlePerHost int                // pooled connections per upstream; 0 means 512
	RootCAs     *x509.CertPool
	Clock       clock.Clock // nil means the machine's
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		p *time.Duration
		d time.Duration
	}{
		{&c.Timeouts.Connect, 5 * time.Second}, {&c.Timeouts.FirstByte, 5 * time.Minute}, {&c.Timeouts.Pause, 5 * time.Minute}, {&c.IdleTimeout, 5 * time.Minute},
	} {
		if *d.p == 0 {
			*d.p = d.d
		}
	}
	if c.HeadLimit == 0 {
		c.HeadLimit = 1_000_000
	}
	if c.IdlePerHost == 0 {
		c.IdlePerHost = 512
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	return c
}

// Pool holds the connections to all upstreams, and checks their health.
type Pool struct {
	cfg     Config
	clock   clock.Clock
	lean    *transport.Pool // HTTP/1.1
	tls     [2]*tls.Config  // of lean: verifying, trusting
	mux     [6]*http.Transport
	checker *checker
	metrics *metrics
	current atomic.Pointer[[]*Upstream]
	log     *slog.Logger
	setting sync.Mutex // held while what is served changes
}

// NewPool returns an empty pool. [Pool.Close] ends what it starts.
func NewPool(cfg Config, reg prometheus.Registerer, log *slog.Logger) *Pool {
	cfg = cfg.withDefaults()
	p := &Pool{
		cfg: cfg, clock: cfg.Clock, log: log,
		lean: transport.New(transport.Config{Timeouts: cfg.Timeouts, IdleTimeout: cfg.IdleTimeout, IdlePerTarget: cfg.IdlePerHost, HeadLimit: int(cfg.HeadLimit)}),
	}
	for i := range p.tls {
		p.tls[i] = cfg.tls(i == 1, "http/1.1")
	}
	p.openMux()
	p.checker = newChecker(p.probe, log)
	p.metrics = newMetrics(p, reg)
	return p
}

// tls is how targets over TLS are called. It is cloned, so that sessions are resumed.
func (c Config) tls(trusting bool, protocols ...string) *tls.Config {
	out := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.RootCAs, NextProtos: protocols, ClientSessionCache: tls.NewLRUClientSessionCache(256)}
	if trusting {
		out.InsecureSkipVerify = true // #nosec G402 -- the endpoint's owner asked for it
	}
	return out
}

// Configure says which upstreams are served now: their health is checked, if they
// want that, and no others'.
func (p *Pool) Configure(served iter.Seq[*Upstream]) {
	p.setting.Lock()
	defer p.setting.Unlock()
	all := make([]*Upstream, 0)
	for u := range served {
		all = append(all, u)
	}
	p.checker.configure(all)
	if before := p.current.Swap(&all); before != nil {
		p.metrics.forget(*before, all)
	}
}

// Close ends the health checks and closes the connections that nobody uses.
func (p *Pool) Close() {
	p.checker.close()
	p.lean.Close()
	for _, t := range p.mux {
		t.CloseIdleConnections()
	}
}
