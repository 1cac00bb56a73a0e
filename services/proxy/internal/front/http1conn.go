package front

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pires/go-proxyproto"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/http1"
)

// http1Conn is one client's connection. It begins as HTTP/1.x and may turn out to be
// HTTP/2.
type http1Conn struct {
	front   *Server
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
	body     *http1Body // nil without one
	upgraded bool
	abrupt   bool // the response ends with the connection: a cut must look like one

	mu   sync.Mutex // guards the writing of "100 Continue"
	cont continuation
}

func newHTTP1Conn(s *Server, below *conn) *http1Conn {
	c := &http1Conn{front: s, below: below, nc: below, scheme: "http"}
	c.watch.conn = c
	c.waiting.Store(true)
	return c
}

// serve takes requests until the connection ends.
func (c *http1Conn) serve() {
	defer func() {
		if p := recover(); p != nil {
			c.front.log.Error("panic on a connection", "panic", p, "stack", string(debug.Stack()))
		}
		if c.nc != nil {
			_ = c.nc.Close() // at the end there is nobody to tell
		}
	}()
	if !c.open() {
		return
	}
	c.in, c.out = http1.NewReader(c.nc, c.front.limits), http1.NewWriter(c.nc)
	c.ctx, c.cancel = context.WithCancel(c.front.base)
	defer c.cancel()
	for first := true; c.await(first); first = false {
		if first && c.knowsHTTP2() {
			return
		}
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

// open makes the connection secure if it has to be. It reports whether it is to be
// served here.
func (c *http1Conn) open() bool {
	if c.front.security == nil {
		c.about = c.front.described(c.below, nil)
		return true
	}
	secure := c.front.shakeHands(c.below)
	if secure == nil {
		return false
	}
	c.nc, c.scheme, c.about = secure, "https", c.front.described(c.below, secure)
	if c.about.TLS.ALPN != "h2" {
		return true
	}
	c.handOver(secure, http2TLS)
	return false
}

// handOver makes the connection net/http's.
func (c *http1Conn) handOver(nc net.Conn, protocol string) {
	c.front.metrics.connections[protocol].Inc()
	c.nc = nil
	c.front.http2.queue.give(nc)
}

// knowsHTTP2 looks whether the client begins with HTTP/2 (RFC 9113 section 3.3), and
// hands it over if so. No request of HTTP/1.x begins like that.
func (c *http1Conn) knowsHTTP2() bool {
	for n := len("PRI "); c.scheme == "http"; n = len(preface) {
		begin, err := c.in.Peek(n) // an error comes again with reading
		if err != nil || string(begin) != preface[:n] {
			break
		}
		if n == len(preface) {
			c.limitReading(0)
			c.handOver(&preread{conn: c.below, in: c.in}, http2Plain)
			return true
		}
	}
	c.front.metrics.connections[c.scheme].Inc()
	return false
}

// await waits for a request's head. It is false when none will come.
func (c *http1Conn) await(first bool) bool {
	cfg := &c.front.cfg
	patience := cfg.IdleTimeout
	if first {
		patience = cfg.ReadHeaderTimeout
	}
	c.limitReading(patience)
	c.waiting.Store(true)
	if c.front.draining.Load() {
		return false
	}
	err := c.in.Wait()
	c.waiting.Store(false)
	if err != nil {
		c.blame(err, slowHead, first && !c.front.draining.Load())
		return false
	}
	if !c.in.HasHead() {
		c.limitReading(cfg.ReadHeaderTimeout)
	}
	return true
}

// blame counts a client that was cut off because it was too slow.
func (c *http1Conn) blame(err error, at string, itsFault bool) {
	if itsFault && errors.Is(err, os.ErrDeadlineExceeded) {
		c.front.metrics.cut[at].Inc()
	}
}

// limitReading sets the read deadline, if it is not about there.
func (c *http1Conn) limitReading(d time.Duration) {
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
func (c *http1Conn) exchange(q *http1.Request) bool {
	c.req, c.cont, c.abrupt = q, continuation{expected: q.ExpectContinue}, false
	q.Scheme = c.scheme
	c.openBody()
	if c.body == nil {
		c.watch.start()
	}
	keep := c.front.handler.Serve(c.ctx, c.about, &q.Request, c)
	whole := c.closeBody() // from here on nothing starts the watch
	c.watch.stop()
	switch {
	case c.upgraded:
		return false
	case !keep:
		c.cutOff()
		return false
	case !c.persists() || c.front.draining.Load():
		return false
	case !whole:
		c.linger() // the client may still be sending
		return false
	}
	return c.ctx.Err() == nil
}

// persists reports whether the client may use the connection again.
func (c *http1Conn) persists() bool {
	return c.req.KeepAlive && !c.abrupt && !c.cont.refused
}

// cutOff ends a connection whose response is not whole. Where only the end of the
// connection would have ended it, there must be a reset, and none of the farewell of
// TLS: both would look like the response's end.
func (c *http1Conn) cutOff() {
	c.out.Discard()
	if !c.abrupt {
		return
	}
	if tcp := tcpOf(c.below.Conn); tcp != nil {
		_ = tcp.SetLinger(0)
	}
	_ = c.below.Close() // there is nobody to tell
}

func tcpOf(c net.Conn) *net.TCPConn {
	if p, ok := c.(*proxyproto.Conn); ok {
		c = p.Raw()
	}
	tcp, _ := c.(*net.TCPConn)
	return tcp
}

// reject answers bytes that are no request.
func (c *http1Conn) reject(err error) {
	var bad *http1.Error
	if !errors.As(err, &bad) {
		c.blame(err, slowHead, true)
		return // the connection broke, or the rest did not come in time
	}
	c.front.handler.Rejected(bad.Status)
	res := refusal(bad)
	framing := http1.Framing(res.ContentLength)
	if err := c.out.Response(res, framing, http1.Connection{Close: true}, time.Now()); err != nil {
		return // cannot be: the text is ours
	}
	if c.out.Body(res.Body, framing, nil, false) == nil {
		c.linger()
	}
}

// refusal is the gateway's answer to what is no request.
func refusal(bad *http1.Error) *message.Response {
	f := answer.Failure{Status: bad.Status, Code: answer.CodeBadRequest, Message: "the request cannot be read: " + bad.Error()}
	return f.Response(&message.Request{}, "")
}

const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 1 << 20
)

// linger ends the way to the client and takes what is still coming, for a while:
// closing at once would reset the connection, and with it what the client has not
// read yet (RFC 9112 section 9.6).
func (c *http1Conn) linger() {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime)) // fails only on a closed connection
	_, _ = io.CopyN(io.Discard, c.nc, lingerBytes)       // whatever it is
}
