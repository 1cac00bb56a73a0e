package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

// Informational is told of each 1xx response but 101, before the final one.
type Informational func(status int, header message.Header)

// Call is one request and what is to be done with it.
type Call struct {
	Request *message.Request
	Server  http1.Server
	Inform  Informational // may be nil
	// DropTrailers are names that are taken out of the response's trailers.
	DropTrailers []string
	Timeouts     Timeouts // in place of the pool's
}

// Trace is what became of a call besides its response.
type Trace struct {
	Reused       bool          // the connection had served before
	Connect      time.Duration // to connect, name lookup included; 0 when Reused
	TLSHandshake time.Duration // 0 when Reused, and without TLS
	Sent         time.Time     // when the request was written, or its head if the response came before its end; zero when it was not
	Begun        bool          // a byte of the request was handed to a connection
}

// maxInformational is how many 1xx responses may come before the final one.
const maxInformational = 64

var errInformational = errors.New("there is no end of 1xx responses")

// exchange is a call under way.
type exchange struct {
	Call
	pool     *Pool
	framing  http1.Framing
	out      http1.Writer
	conn     *conn
	limits   Timeouts
	trace    Trace
	unwatch  func() bool // ends the watch over the caller's context
	answered bool        // a byte came from conn
	sender   *sender     // nil when the whole request is written at once
	parts    atomic.Int32
	spoiled  atomic.Bool // conn cannot be used again
	res      http1.Response
}

// RoundTrip sends a request and returns the response once its head is there; its
// Body must be closed. With status 101 the Body is an io.ReadWriteCloser with a
// CloseWrite. Fields that speak of the connection only are dropped from both. The
// trace is filled in as far as the call came.
//
// A call whose connection was pooled and failed before a byte of a response is
// tried again once, on a new one, if nothing of it was sent, or its method is
// idempotent and its body still at hand (RFC 9110 section 9.2.2).
//
// Errors are a *ConnectError, those of the connection and of ctx; a *http1.SourceError
// is of the request's body, an *http1.UnsendableError of the request, an
// *http1.Error of the response. The request's Body is not closed; its reading may
// go on after an early response until that is closed and the body fails.
func (p *Pool) RoundTrip(ctx context.Context, t Target, call Call) (*message.Response, Trace, error) {
	x := &exchange{Call: call, pool: p, framing: http1.RequestFraming(call.Request), limits: call.Timeouts.or(p.cfg)}
	if err := x.prepare(); err != nil {
		x.out.Discard()
		return nil, x.trace, err
	}
	for again := false; ; again = true {
		x.trace = Trace{}
		c, err := p.connect(ctx, t, again, x)
		if err != nil {
			x.out.Discard()
			return nil, x.trace, err
		}
		x.trace.Reused = c.reused // once the response is whole, c may be another's
		err = x.try(ctx, c)
		if err == nil {
			return &x.res.Response, x.trace, nil
		}
		x.unwatch()
		c.close()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		if !x.trace.Reused || ctx.Err() != nil || !x.repeatable(err) {
			x.abandon()
			return nil, x.trace, err
		}
	}
}

// smallBody is the size of a body that is sent together with its head.
const smallBody = http1.MaxGathered - 4<<10

// prepare makes the head and, if that can be done at once, the body.
func (x *exchange) prepare() error {
	up := http1.Upgrade(x.Request.Header)
	if err := x.out.Request(x.Request, x.Server, x.framing, http1.Connection{Upgrade: up}); err != nil {
		return err
	}
	expects := x.framing != 0 && message.EqualName(x.Request.Header.Get("expect"), "100-continue")
	switch {
	case x.framing == 0:
		return nil
	case x.framing > 0 && x.framing <= smallBody && !expects:
		return x.out.Gather(x.Request.Body, int64(x.framing))
	}
	x.sender = newSender(expects)
	return nil
}

// try sends the request on c and waits for the head of the response.
func (x *exchange) try(ctx context.Context, c *conn) error {
	x.conn = c
	x.unwatch = unwatched
	if ctx.Done() != nil {
		x.unwatch = context.AfterFunc(ctx, c.abort)
	}
	x.parts.Store(1)
	if x.sender != nil {
		return x.tryStreaming()
	}
	n, err := c.Write(x.out.Pending())
	x.trace.Begun = n > 0
	x.sent(time.Now())
	if e := c.in.Wait(); e != nil {
		if err != nil {
			return err
		}
		return fmt.Errorf("no answer: %w", e)
	}
	return x.receive() // even if writing failed: it may say why
}

// sent notes when the request was, and bounds the wait for the response.
func (x *exchange) sent(now time.Time) {
	x.trace.Sent = now
	x.conn.limit(now, x.limits.FirstByte)
}

// receive reads up to the final response's head.
func (x *exchange) receive() error {
	x.answered = true
	for range maxInformational {
		if err := x.conn.in.ReadResponse(&x.res, x.Request.Method); err != nil {
			return err
		}
		if x.res.Status/100 != 1 || x.res.Status == 101 {
			x.begin()
			return nil
		}
		if x.res.Status == 100 && x.sender != nil {
			x.sender.goOn(true)
		}
		if x.Inform != nil {
			http1.RemoveConnectionFields(&x.res.Header)
			x.Inform(x.res.Status, x.res.Header)
		}
	}
	return errInformational
}

// begin hands the response over.
func (x *exchange) begin() {
	if x.sender != nil {
		x.sender.answered()
	} else {
		x.out.Discard()
	}
	up := x.res.Upgrade
	http1.RemoveConnectionFields(&x.res.Header)
	switch {
	case x.res.Status == 101:
		x.conn.limit(time.Time{}, 0)
		x.res.Header.Add("Connection", "Upgrade")
		x.res.Header.Add("Upgrade", up)
		x.res.Body = &tunnel{exchange: x}
	case x.res.Framing == http1.NoBody || x.res.Framing == 0:
		(*ender)(x).BodyEnded(true)
	default:
		if x.conn.pause = x.limits.Pause; x.conn.pause <= 0 {
			x.conn.limit(time.Time{}, 0)
		}
		x.res.Body.(*http1.Body).OnEnd((*ender)(x))
	}
}

// ender is told of the end of the exchange's response.
type ender exchange

// BodyEnded implements http1.Ender.
func (e *ender) BodyEnded(whole bool) {
	x := (*exchange)(e)
	for _, name := range x.DropTrailers {
		if len(x.res.Trailer) > 0 {
			x.res.Trailer.Del(name)
		}
	}
	if x.sender != nil {
		// The server may have said all without reading all.
		x.sender.late.Store(true)
		_ = x.conn.SetWriteDeadline(time.Now().Add(lateSending)) // fails only on a closed connection
	}
	x.release(whole && x.res.KeepAlive && x.conn.in.Buffered() == 0)
}

// release ends one part of the exchange, sending or receiving. The last one gives
// the connection back.
func (x *exchange) release(reusable bool) {
	if !reusable {
		x.spoiled.Store(true)
	}
	if x.parts.Add(-1) > 0 {
		if x.spoiled.Load() {
			x.conn.close() // so that the other part ends
		}
		return
	}
	if stopped := x.unwatch(); !stopped || x.spoiled.Load() {
		x.conn.close()
		return
	}
	if x.sender != nil {
		_ = x.conn.SetWriteDeadline(time.Time{}) // fails only on a closed connection, which is noticed
	}
	x.conn.in.Release()
	x.pool.put(x.conn)
}

// unwatched stands for the watch over a context that never ends.
func unwatched() bool { return true }

// repeatable reports whether a call that failed on a pooled connection may be tried
// again.
func (x *exchange) repeatable(err error) bool {
	var timeout net.Error
	switch {
	case x.answered, errors.As(err, &timeout) && timeout.Timeout():
		return false
	case x.sender != nil && x.sender.begun:
		return false
	}
	return !x.trace.Begun || idempotent(x.Request)
}

// idempotent methods may be repeated (RFC 9110 section 9.2.2), and so may requests
// that carry a key by which the server knows them again.
func idempotent(req *message.Request) bool {
	switch req.Method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return req.Header.Has("idempotency-key") || req.Header.Has("x-idempotency-key")
}
