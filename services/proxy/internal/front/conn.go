package front

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/platform/message"
)

// listener counts the bytes of its connections and bounds how long a write takes.
type listener struct {
	net.Listener
	writeTimeout time.Duration
	slow         prometheus.Counter
	proxied      bool // addresses are known only once the PROXY header was read
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	out := &conn{Conn: c, writeTimeout: l.writeTimeout, slow: l.slow, about: message.Conn{Start: time.Now()}}
	if l.proxied {
		out.readAddresses = sync.OnceFunc(out.setAddresses)
		return out, nil
	}
	out.setAddresses()
	return out, nil
}

func (c *conn) setAddresses() {
	c.about.ClientAddr, c.about.ServerAddr = addrPort(c.RemoteAddr()), addrPort(c.LocalAddr())
}

func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

// conn is a client's connection below TLS.
type conn struct {
	net.Conn
	about        message.Conn
	greeting     greeting // of TLS
	writeTimeout time.Duration
	slow         prometheus.Counter
	bounded      atomic.Int64 // the write deadline in force, in nanoseconds since 1970; 0 for none
	foreign      atomic.Bool  // those above have set a write deadline
	// readAddresses waits for the PROXY header, so it runs with the first read and
	// not while other connections wait to be accepted. Nil without that protocol.
	readAddresses func()
}

func (c *conn) Read(p []byte) (int, error) {
	if c.readAddresses != nil {
		c.readAddresses()
	}
	n, err := c.Conn.Read(p)
	c.about.BytesIn.Add(int64(n))
	return n, err
}

// Write fails when the client does not take p in time. So a client that reads a byte
// now and then does not hold a request for ever.
func (c *conn) Write(p []byte) (int, error) {
	c.limitWriting()
	n, err := c.Conn.Write(p)
	c.about.BytesOut.Add(int64(n))
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) && !c.foreign.Load() {
		c.slow.Inc()
	}
	return n, err
}

// limitWriting sets the write deadline, if it is not about there. One that passes
// while nothing is written does no harm.
func (c *conn) limitWriting() {
	if c.writeTimeout <= 0 || c.foreign.Load() {
		return
	}
	until := time.Now().Add(c.writeTimeout)
	if late := until.UnixNano() - c.bounded.Load(); late >= 0 && late <= int64(c.writeTimeout/16) {
		return // setting it costs more than the difference is worth
	}
	_ = c.Conn.SetWriteDeadline(until) // fails only on a closed connection, as writing will
	c.bounded.Store(until.UnixNano())
}

// SetWriteDeadline is for those above, such as TLS when it ends: theirs comes first
// until they take it back.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.foreign.Store(!t.IsZero())
	c.bounded.Store(0)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline is as SetWriteDeadline is.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// CloseWrite ends one direction.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
