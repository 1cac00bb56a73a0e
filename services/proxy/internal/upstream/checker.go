package upstream

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1/transport"
)

// probe asks a target once. The error says why it is not healthy.
type probe func(ctx context.Context, u *Upstream, m *member) error

// checker checks the health of targets, each on a goroutine.
type checker struct {
	probe   probe
	log     *slog.Logger
	mu      sync.Mutex
	running map[*member]*watched
	ended   sync.WaitGroup
}

// watched is a target whose health is checked.
type watched struct {
	upstream *Upstream
	stop     context.CancelFunc
}

func newChecker(ask probe, log *slog.Logger) *checker {
	return &checker{probe: ask, log: log, running: map[*member]*watched{}}
}

// configure checks the targets of these upstreams, and no others. Checks that do
// not change go on.
func (c *checker) configure(all []*Upstream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := map[*member]*Upstream{}
	for _, u := range all {
		for _, m := range u.members {
			if u.check != nil {
				wanted[m] = u
			}
		}
	}
	for m, w := range c.running {
		if u := wanted[m]; u == nil || !sameChecks(u, w.upstream) {
			w.stop()
			delete(c.running, m)
			if u == nil {
				m.unhealthy.Store(false) // nothing is known of it any more
			}
		}
	}
	for m, u := range wanted {
		if c.running[m] == nil {
			ctx, stop := context.WithCancel(context.Background())
			c.running[m] = &watched{upstream: u, stop: stop}
			c.ended.Go(func() { c.follow(ctx, u, m) })
		}
	}
}

// sameChecks reports whether both check a target alike.
func sameChecks(a, b *Upstream) bool {
	return a.check.equal(b.check) && a.http1 == b.http1 && a.http2 == b.http2
}

// close ends all checks.
func (c *checker) close() {
	c.configure(nil)
	c.ended.Wait()
}

// follow checks m until ctx ends, for the first time at once.
func (c *checker) follow(ctx context.Context, u *Upstream, m *member) {
	tick := time.NewTicker(u.check.interval)
	defer tick.Stop()
	var v verdict
	for {
		err := c.once(ctx, u, m)
		if ctx.Err() != nil {
			return
		}
		if v.note(u.check, m, err == nil) {
			c.say(u, m, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *checker) once(ctx context.Context, u *Upstream, m *member) error {
	ctx, cancel := context.WithTimeout(ctx, u.check.timeout)
	defer cancel()
	return c.probe(ctx, u, m)
}

func (c *checker) say(u *Upstream, m *member, err error) {
	if err != nil {
		c.log.Warn("a target is not healthy: it gets no requests while others are", "endpoint", u.endpoint, "target", m.String(), "error", err)
		return
	}
	c.log.Info("a target is healthy again", "endpoint", u.endpoint, "target", m.String())
}

// probe implements probe by a GET request over the pool's connections.
func (p *Pool) probe(ctx context.Context, u *Upstream, m *member) error {
	host := u.check.host
	if host == "" {
		host = m.Host
	}
	req := &message.Request{Method: "GET", Target: u.check.path, Scheme: m.Scheme, Host: host, Proto: "HTTP/1.1",
		Header: message.Header{{Name: "Host", Value: host}, {Name: "User-Agent", Value: "sluice-health-check"}, {Name: "Accept", Value: "*/*"}}}
	alike := *u // but for the times: the check has its own
	alike.timeouts = transport.Timeouts{Connect: u.check.timeout, FirstByte: u.check.timeout, Pause: u.check.timeout}
	res, _, err := p.call(ctx, &alike, m, req, Caller{})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if !u.check.expects(res.Status) {
		return fmt.Errorf("it answered %d", res.Status)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, maxCheckBody))
	return err
}

// maxCheckBody is how much of an answer is read, in bytes; the connection of one
// that is longer is not used again.
const maxCheckBody = 64 << 10
