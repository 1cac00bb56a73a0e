package front

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/http1"
)

// leanConn is one client's connection.
type leanConn struct {
	lean    *lean
	below   *conn    // counts bytes
	nc      net.Conn // below, or TLS over it
	about   *message.Conn
	scheme  string
	in      *http1.Reader
	out     *http1.Writer
	ctx     context.Context // ends when the client has gone
	cancel  context.CancelFunc
	waiting atomic.Bool // for a request
	watch   watch
	bounded time.Time // the read deadline in force; zero for none

	// Of the request that is being served:
	req      *http1.Request
	body     *leanBody // nil without one
	upgraded bool
	abrupt   bool // the response ends with the connection: a cut must look like one

	mu   sync.Mutex // guards the writing of "100 Continue"
	cont continuation
}

func newLeanConn(l *lean, below *conn) *leanConn {
	c := &leanConn{lean: l, below: below, nc: below, scheme: "http"}
	c.watch.conn = c
	c.waiting.Store(true)
	return c
}

// serve takes requests until the connection ends.
func (c *leanConn) serve() {
	defer func() {
		if p := recover(); p != nil {
			c.lean.server.log.Error("panic on a connection", "panic", p, "stack", string(debug.Stack()))
		}
		if c.nc != nil {
			_ = c.nc.Close() // at the end there is nobody to tell
		}
	}()
	if !c.shakeHands() {
		return
	}
	c.in, c.out = http1.NewReader(c.nc, c.lean.limits), http1.NewWriter(c.nc)
	c.ctx, c.cancel = context.WithCancel(c.lean.base)
	defer c.cancel()
	for first := true; c.await(first); first = false {
		q := new(http1.Request)
		if err := c.in.ReadRequest(q); err != nil {
			c.reject(err)
			return
		}
		if !c.exchange(q) {
			return
		}
	}
}

// shakeHands reports whether the connection is to be served here.
func (c *leanConn) shakeHands() bool {
	if c.lean.tls == nil {
		c.about = c.lean.described(c.below, nil)
		return true
	}
	secure := tls.Server(c.below, c.lean.tls)
	ctx, cancel := context.WithTimeout(c.lean.base, c.lean.server.cfg.ReadHeaderTimeout)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		c.lean.server.log.Debug("TLS handshake failed", "client", c.below.RemoteAddr(), "error", err)
		return false
	}
	c.nc, c.scheme = secure, "https"
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		c.nc = nil // it is net/http's from here
		c.lean.http2.give(secure)
		return false
	}
	c.about = c.lean.described(c.below, secure)
	return true
}

// await waits for a request's head. It is false when none will come.
func (c *leanConn) await(first bool) bool {
	cfg := &c.lean.server.cfg
	patience := cfg.IdleTimeout
	if first {
		patience = cfg.ReadHeaderTimeout
	}
	c.limitReading(patience)
	c.waiting.Store(true)
	if c.lean.draining.Load() {
		return false
	}
	err := c.in.Wait()
	c.waiting.Store(false)
	if err != nil {
		return false
	}
	if !c.in.HasHead() {
		c.limitReading(cfg.ReadHeaderTimeout)
	}
	return true
}

// limitReading sets the read deadline, if it is not about there.
func (c *leanConn) limitReading(d time.Duration) {
	var until time.Time
	if d > 0 {
		until = time.Now().Add(d)
	}
	late := until.Sub(c.bounded)
	if until.IsZero() == c.bounded.IsZero() && late >= 0 && late <= d/16 {
		return // setting it costs more than the difference is worth
	}
	c.bounded = until
	_ = c.nc.SetReadDeadline(until) // fails only on a closed connection, as reading will
}

// exchange serves one request. It reports whether another may follow.
func (c *leanConn) exchange(q *http1.Request) bool {
	c.req, c.cont, c.abrupt = q, continuation{expected: q.ExpectContinue}, false
	q.Scheme = c.scheme
	c.openBody()
	if c.body == nil {
		c.watch.start()
	}
	keep := c.lean.server.handler.Serve(c.ctx, c.about, &q.Request, c)
	whole := c.closeBody() // from here on nothing starts the watch
	c.watch.stop()
	switch {
	case c.upgraded:
		return false
	case !keep:
		c.cutOff()
		return false
	case !c.persists() || c.lean.draining.Load():
		return false
	case !whole:
		c.linger() // the client may still be sending
		return false
	}
	return c.ctx.Err() == nil
}

// persists reports whether the client may use the connection again.
func (c *leanConn) persists() bool {
	return c.req.KeepAlive && !c.abrupt && !c.cont.refused
}

// cutOff ends a connection whose response is not whole.
func (c *leanConn) cutOff() {
	c.out.Discard()
	if tcp, ok := c.below.Conn.(*net.TCPConn); ok && c.abrupt {
		_ = tcp.SetLinger(0) // a reset: a plain end would look like the response's
	}
}

// reject answers bytes that are no request.
func (c *leanConn) reject(err error) {
	var bad *http1.Error
	if !errors.As(err, &bad) {
		return // the connection broke, or nothing came in time
	}
	c.lean.server.rejected(bad.Status)
	f := answer.Failure{Status: bad.Status, Code: answer.CodeBadRequest, Message: "the request cannot be read: " + bad.Error()}
	res := f.Response(&message.Request{}, "")
	framing := http1.Framing(res.ContentLength)
	if err := c.out.Response(res, framing, http1.Connection{Close: true}, time.Now()); err != nil {
		return // cannot be: the text is ours
	}
	if c.out.Body(res.Body, framing, nil, false) == nil {
		c.linger()
	}
}

const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 1 << 20
)

// linger ends the way to the client and takes what is still coming, for a while:
// closing at once would reset the connection, and with it what the client has not
// read yet (RFC 9112 section 9.6).
func (c *leanConn) linger() {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime)) // fails only on a closed connection
	_, _ = io.CopyN(io.Discard, c.nc, lingerBytes)       // whatever it is
}
