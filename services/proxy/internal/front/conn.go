package front

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/answer"
)

// listener counts the bytes of its connections.
type listener struct {
	net.Listener
	rejected func(status int)
	proxied  bool // addresses are known only once the PROXY header was read
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	out := &conn{Conn: c, rejected: l.rejected, about: message.Conn{Start: time.Now()}}
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
	about    message.Conn
	rejected func(status int)
	tlsOnce  sync.Once
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

func (c *conn) Write(p []byte) (int, error) {
	if page := c.rejection(p); page != nil {
		n, err := c.Conn.Write(page)
		c.about.BytesOut.Add(int64(n))
		return len(p), err
	}
	n, err := c.Conn.Write(p)
	c.about.BytesOut.Add(int64(n))
	return n, err
}

// CloseWrite lets net/http close one direction, as it does after a 431.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// rejectionHead follows the status line of the answers that net/http's server
// makes by itself to requests that it cannot read. Answers of ours never look
// like this: they begin with other fields.
var rejectionHead = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

// rejection is net/http's answer p in the gateway's shape; nil when p is
// something else.
func (c *conn) rejection(p []byte) []byte {
	if len(p) < 12 || !bytes.HasPrefix(p, []byte("HTTP/1.1 ")) || p[9] != '4' && p[9] != '5' {
		return nil
	}
	line, rest, _ := bytes.Cut(p, []byte("\r\n"))
	if !bytes.HasPrefix(rest, rejectionHead[2:]) {
		return nil
	}
	status, err := strconv.Atoi(string(p[9:12]))
	if err != nil {
		return nil
	}
	c.rejected(status)
	f := answer.Failure{Status: status, Code: answer.CodeBadRequest, Message: "the request cannot be read: " + string(line[13:])}
	res := f.Response(&message.Request{}, "")
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\r\n", line[:12+len(statusText(line))])
	for _, h := range res.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	b.WriteString("Connection: close\r\n\r\n")
	_, _ = b.ReadFrom(res.Body) // a string: it cannot fail
	return b.Bytes()
}

// statusText is " Bad Request" of "HTTP/1.1 400 Bad Request: and why".
func statusText(line []byte) []byte {
	text, _, _ := bytes.Cut(line[12:], []byte(":"))
	return text
}

// describe adds what the TLS handshake told.
func (c *conn) describe(state *tls.ConnectionState, shown func(sni string) *x509.Certificate) *message.Conn {
	if state != nil {
		c.tlsOnce.Do(func() { c.about.TLS = message.TLSOf(*state, shown(state.ServerName)) })
	}
	return &c.about
}
