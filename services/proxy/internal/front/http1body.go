package front

import (
	"errors"
	"sync"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

const (
	// drainBytes is how much of a body that nobody read is taken to keep the
	// connection.
	drainBytes = 256 << 10
	// drainTime is how long that may take.
	drainTime = time.Second
)

var errBodyClosed = errors.New("the exchange is over: its request body is closed")

// http1Body is a request's body. What sends it on may read it on a goroutine of its
// own; closing it interrupts a read that waits.
type http1Body struct {
	conn   *http1Conn
	source *http1.Body
	mu     sync.Mutex // held while reading
	state  sync.Mutex // guards closed and reading
	closed bool
	reads  bool // a read is under way
}

// openBody readies the request's body.
func (c *http1Conn) openBody() {
	c.body = nil
	if c.req.Framing == 0 {
		return
	}
	c.body = &http1Body{conn: c, source: c.req.Body.(*http1.Body)}
	c.body.source.OnEnd(&c.watch)
	c.req.Body = c.body
}

// Read implements io.Reader. The first one tells a client that waits for it to
// send the body.
func (b *http1Body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.begin() {
		return 0, errBodyClosed
	}
	defer b.finish()
	if err := b.conn.sendContinue(); err != nil {
		return 0, err
	}
	n, err := b.source.Read(p)
	if err != nil {
		b.conn.blame(err, slowBody, !b.over())
	}
	return n, err
}

// over reports whether the body was closed.
func (b *http1Body) over() bool {
	b.state.Lock()
	defer b.state.Unlock()
	return b.closed
}

// begin gives the client its time for the next part, however large that is.
func (b *http1Body) begin() bool {
	b.state.Lock()
	defer b.state.Unlock()
	if b.reads = !b.closed; b.reads {
		b.conn.limitReading(b.conn.front.cfg.IdleTimeout)
	}
	return b.reads
}

func (b *http1Body) finish() {
	b.state.Lock()
	defer b.state.Unlock()
	b.reads = false
}

// Ready is a hint: whether Read can likely return without waiting.
func (b *http1Body) Ready() bool { return b.source.Ready() }

// Close ends reading, also one that is under way.
func (b *http1Body) Close() error {
	b.state.Lock()
	defer b.state.Unlock()
	b.closed = true
	if b.reads {
		_ = b.conn.nc.SetReadDeadline(longAgo) // fails only on a closed connection
	}
	return nil
}

// closeBody ends the request's body and reports whether the next request can be
// found after it.
func (c *http1Conn) closeBody() (whole bool) {
	if c.body == nil {
		return true
	}
	_ = c.body.Close() // never fails
	c.body.mu.Lock()   // until a read has returned
	defer c.body.mu.Unlock()
	c.body.source.OnEnd(nil)
	if c.body.source.Whole() {
		return true
	}
	if c.upgraded || !c.persists() {
		return false
	}
	c.limitReading(drainTime)
	return c.body.source.Drain(drainBytes)
}

// continuation is what a client that expects "100 Continue" was told.
type continuation struct {
	expected bool // and not told yet
	refused  bool // got the final response instead: what follows is unknown
}

// sendContinue tells the client to send the body, if it waits for that.
func (c *http1Conn) sendContinue() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.cont.expected {
		return nil
	}
	c.cont.expected = false
	_, err := c.nc.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	return err
}

// settleContinue is called before the final response: from then on the client is
// told nothing more.
func (c *http1Conn) settleContinue() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cont.refused, c.cont.expected = c.cont.expected, false
}

// Informational sends a 1xx response.
func (c *http1Conn) Informational(status int, h message.Header) error {
	switch {
	case c.req.Minor == 0:
		return nil // HTTP/1.0 has none (RFC 9110 section 15.2)
	case status == 100 && c.req.Framing != 0:
		return c.sendContinue()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.out.Response(&message.Response{Status: status, Header: h}, http1.NoBody, http1.Connection{}, time.Time{}); err != nil {
		return err
	}
	return c.out.Flush()
}
