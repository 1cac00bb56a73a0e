package front

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

// lean serves HTTP/1.x by the gateway's own codec: a goroutine for each
// connection, which carries a request from its first byte to the last of the
// response. Connections that negotiate HTTP/2 go to net/http.
type lean struct {
	server   *Server
	base     context.Context // ends when running requests are cut off
	limits   http1.Limits
	tls      *tls.Config // nil without TLS
	http2    *handoff
	draining atomic.Bool

	mu      sync.Mutex
	conns   map[*leanConn]struct{}
	changed chan struct{} // has a token after a connection ended or was upgraded
	running sync.WaitGroup
}

func newLean(s *Server, base context.Context) *lean { //nolint:revive // the server comes first: base is a part of it
	l := &lean{
		server: s, base: base, limits: http1.Limits{HeadBytes: s.cfg.HeadLimit},
		conns: map[*leanConn]struct{}{}, changed: make(chan struct{}, 1),
	}
	if s.certs != nil {
		l.tls = s.http.TLSConfig.Clone()
		l.tls.NextProtos = []string{"h2", "http/1.1"}
		s.http.TLSConfig = l.tls // tells net/http that HTTP/2 is wanted
		l.http2 = newHandoff(s.listener.Addr())
	}
	return l
}

// run serves until ctx ends, then lets running requests end and cuts off those
// that take longer than the drain timeout.
func (l *lean) run(ctx context.Context) error {
	var others sync.WaitGroup
	if l.http2 != nil {
		others.Go(func() { _ = l.server.http.Serve(l.http2) }) // ends when l.http2 is closed
	}
	failed := make(chan error, 1)
	go func() { failed <- l.accept() }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		_ = l.server.listener.Close() // accept returns
		if e := <-failed; !errors.Is(e, net.ErrClosed) {
			err = e
		}
	}
	l.drain()
	l.server.stop()
	l.running.Wait()
	others.Wait()
	return err
}

// accept takes connections until the listener is closed.
func (l *lean) accept() error {
	var pause time.Duration
	for {
		nc, err := l.server.listener.Accept()
		var temporary interface{ Temporary() bool }
		switch {
		case err == nil:
			pause = 0
			l.serve(nc)
		case errors.As(err, &temporary) && temporary.Temporary(): // such as too many open files
			pause = min(max(5*time.Millisecond, 2*pause), time.Second)
			l.server.log.Warn("a connection could not be accepted", "error", err, "pause", pause)
			<-time.After(pause)
		default:
			return err
		}
	}
}

func (l *lean) serve(nc net.Conn) {
	c := newLeanConn(l, nc.(*conn))
	l.mu.Lock()
	l.conns[c] = struct{}{}
	l.mu.Unlock()
	l.running.Go(func() {
		defer l.forget(c)
		c.serve()
	})
}

// forget takes c out of those that a drain waits for.
func (l *lean) forget(c *leanConn) {
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// drain ends idle connections at once, waits for the others, and cuts off those
// that take too long.
func (l *lean) drain() {
	l.draining.Store(true)
	patience, cancel := context.WithTimeout(context.Background(), l.server.cfg.DrainTimeout)
	defer cancel()
	http2 := make(chan error, 1)
	go func() {
		if l.http2 == nil {
			http2 <- nil
			return
		}
		http2 <- l.server.http.Shutdown(patience)
	}()
	err := l.awaitAll(patience)
	if err = errors.Join(err, <-http2); err != nil {
		l.server.log.Warn("requests were cut off at the end of the drain", "address", l.server.Address(), "drain", l.server.cfg.DrainTimeout)
		l.cut()
	}
}

// awaitAll waits until no connection serves a request.
func (l *lean) awaitAll(ctx context.Context) error {
	for l.wakeIdle() > 0 {
		select {
		case <-l.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// wakeIdle interrupts the connections that wait for a request, and returns how many
// connections there are.
func (l *lean) wakeIdle() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		if c.waiting.Load() {
			_ = c.below.SetReadDeadline(longAgo) // fails only on a closed connection
		}
	}
	return len(l.conns)
}

func (l *lean) cut() {
	l.server.stop()
	if l.http2 != nil {
		_ = l.server.http.Close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.below.Close() // what is on it is lost, as was logged
	}
}

var longAgo = time.Unix(1, 0)

// handoff is a listener for net/http, of connections that were accepted elsewhere.
type handoff struct {
	address net.Addr
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

func newHandoff(address net.Addr) *handoff {
	return &handoff{address: address, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (h *handoff) give(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.done:
		_ = c.Close() // nobody serves it any more
	}
}

// Accept implements net.Listener.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, http.ErrServerClosed
	}
}

// Close implements net.Listener.
func (h *handoff) Close() error { h.once.Do(func() { close(h.done) }); return nil }

// Addr implements net.Listener.
func (h *handoff) Addr() net.Addr { return h.address }

// described is the connection as the data path sees it.
func (l *lean) described(c *conn, secure *tls.Conn) *message.Conn {
	if secure == nil {
		return c.describe(nil, nil)
	}
	state := secure.ConnectionState()
	return c.describe(&state, l.server.leaf)
}
