package transport

import (
	"net"
	"sync/atomic"
	"time"

	"sluice.dev/services/proxy/internal/http1"
)

// conn is a connection to a target. One exchange at a time has it.
type conn struct {
	net.Conn
	target   Target
	in       *http1.Reader
	probe    *probe // nil where it cannot be looked at
	reused   bool   // it has served before
	since    time.Time
	deadline time.Time     // of reading, as it was set last
	pause    time.Duration // that reading may wait at most each time; 0: no limit
	closed   atomic.Bool
	abort    func() // is close
}

func newConn(nc net.Conn, t Target, l http1.Limits) *conn {
	c := &conn{Conn: nc, target: t, probe: newProbe(nc)}
	c.in = http1.NewReader(c, l)
	c.abort = c.close
	return c
}

// Read implements io.Reader.
func (c *conn) Read(p []byte) (int, error) {
	if c.pause > 0 {
		c.limit(time.Now(), c.pause)
	}
	return c.Conn.Read(p)
}

// limit makes reads fail that wait for longer than d, or up to a quarter longer: a
// deadline that was set before is moved only when it must be, as most are never
// reached. 0 means no limit.
func (c *conn) limit(now time.Time, d time.Duration) {
	if d <= 0 {
		if !c.deadline.IsZero() {
			c.setDeadline(time.Time{})
		}
		return
	}
	if left := c.deadline.Sub(now); left < d || left > d+d/4 {
		c.setDeadline(now.Add(d + d/4))
	}
}

func (c *conn) setDeadline(t time.Time) {
	c.deadline = t
	_ = c.SetReadDeadline(t) // fails only on a closed connection, as reading will
}

// rest readies c for waiting until then: a deadline before that would make it look
// as if the server had ended it.
func (c *conn) rest(then time.Time) {
	if c.pause = 0; !c.deadline.IsZero() && c.deadline.Before(then) {
		c.setDeadline(time.Time{})
	}
}

// close may be called more than once, and while others read and write.
func (c *conn) close() {
	if c.closed.CompareAndSwap(false, true) {
		_ = c.Conn.Close() // nobody is interested any more
	}
}

// quiet reports whether an idle connection may be used again: the server has
// neither ended it nor sent a byte, which nobody asked for and which would be taken
// for the answer to the next request.
func (c *conn) quiet() bool { return c.probe == nil || c.probe.quiet() }
