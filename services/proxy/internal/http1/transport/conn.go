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
	target Target
	in     *http1.Reader
	probe  *probe // nil where it cannot be looked at
	reused bool   // it has served before
	since  time.Time
	closed atomic.Bool
	abort  func() // is close
}

func newConn(nc net.Conn, t Target, l http1.Limits) *conn {
	c := &conn{Conn: nc, target: t, in: http1.NewReader(nc, l), probe: newProbe(nc)}
	c.abort = c.close
	return c
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
