package transport

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"time"
)

// Config bounds calls. Zero values mean the defaults.
type Config struct {
	Timeouts      Timeouts      // default of Connect is 5 s; the others have none
	IdleTimeout   time.Duration // a pooled connection is kept this long; default 5 min
	IdlePerTarget int           // pooled connections per target; default 512
	HeadLimit     int           // bytes of a response head; default 1,000,000
	// Dial opens a connection; default is a net.Dialer with keep-alive.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (c Config) withDefaults() Config {
	if c.Timeouts.Connect == 0 {
		c.Timeouts.Connect = 5 * time.Second
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 5 * time.Minute
	}
	if c.IdlePerTarget == 0 {
		c.IdlePerTarget = 512
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	return c
}

// Target is a server. Targets that are equal share connections.
type Target struct {
	Address string      // host:port
	TLS     *tls.Config // nil for none; without a ServerName the host is verified
}

// Pool keeps connections for calls to come. It is safe for concurrent use.
type Pool struct {
	cfg    Config
	mu     sync.Mutex
	idle   map[Target][]*conn // the newest last
	sweep  *time.Timer        // nil while nothing is idle
	closed bool
}

// New returns an empty pool.
func New(cfg Config) *Pool {
	return &Pool{cfg: cfg.withDefaults(), idle: map[Target][]*conn{}}
}

// Close closes the connections that nobody uses; those in use are closed when their
// calls end.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	if p.sweep != nil {
		p.sweep.Stop()
	}
	p.mu.Unlock()
	for _, conns := range idle {
		for _, c := range conns {
			c.close()
		}
	}
}

// take removes the newest idle connection to t, or returns nil.
func (p *Pool) take(t Target) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	conns := p.idle[t]
	if len(conns) == 0 {
		return nil
	}
	last := len(conns) - 1
	c := conns[last]
	conns[last] = nil
	p.idle[t] = conns[:last]
	return c
}

// put keeps c for later, or closes it.
func (p *Pool) put(c *conn) {
	c.since = time.Now()
	c.rest(c.since.Add(p.cfg.IdleTimeout))
	p.mu.Lock()
	keep := !p.closed && len(p.idle[c.target]) < p.cfg.IdlePerTarget
	if keep {
		p.idle[c.target] = append(p.idle[c.target], c)
		if p.sweep == nil {
			p.sweep = time.AfterFunc(p.cfg.IdleTimeout, p.expire)
		}
	}
	p.mu.Unlock()
	if !keep {
		c.close()
	}
}

// expire closes what has been idle for too long, and comes back when the next one
// will have been.
func (p *Pool) expire() {
	now := time.Now()
	var old []*conn
	next := time.Duration(-1)
	p.mu.Lock()
	for t, conns := range p.idle {
		n, _ := slices.BinarySearchFunc(conns, now.Add(-p.cfg.IdleTimeout), func(c *conn, limit time.Time) int { return c.since.Compare(limit) })
		old = append(old, conns[:n]...)
		if conns = slices.Delete(conns, 0, n); len(conns) == 0 {
			delete(p.idle, t)
			continue
		}
		p.idle[t] = conns
		if left := conns[0].since.Add(p.cfg.IdleTimeout).Sub(now); next < 0 || left < next {
			next = left
		}
	}
	if p.sweep = nil; next >= 0 && !p.closed {
		p.sweep = time.AfterFunc(next+time.Millisecond, p.expire)
	}
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}
