package front

import (
	"net"
	"time"

	"github.com/pires/go-proxyproto"
)

// proxied is a listener behind a load balancer that tells the client's address by
// the PROXY protocol, version 1 or 2. A connection without the header is refused:
// whoever can leave it out could also forge it.
type proxied struct {
	net.Listener
	headerTimeout time.Duration
}

// Accept does not wait for the header; the connection's first read does.
func (p proxied) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return proxyproto.NewConn(c, proxyproto.WithPolicy(proxyproto.REQUIRE), proxyproto.SetReadHeaderTimeout(p.headerTimeout)), nil
}
