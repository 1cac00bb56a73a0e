package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"sluice.dev/services/proxy/internal/http1/transport"
)

// Transports of net/http, by what they may speak; the trusting one follows each.
const (
	negotiating = 0 // over TLS: HTTP/2 or HTTP/1.1
	onlyHTTP2   = 2 // over TLS
	clearHTTP2  = 4 // without TLS, with prior knowledge (RFC 9113 section 3.3)
)

// openMux makes the transports for what multiplexes, or may.
func (p *Pool) openMux() {
	for trusting := range 2 {
		var both, only, plain http.Protocols
		both.SetHTTP1(true)
		both.SetHTTP2(true)
		only.SetHTTP2(true)
		plain.SetUnencryptedHTTP2(true)
		p.mux[negotiating+trusting] = p.newMux(&both, p.cfg.tls(trusting == 1, "h2", "http/1.1"))
		p.mux[onlyHTTP2+trusting] = p.newMux(&only, p.cfg.tls(trusting == 1, "h2"))
		p.mux[clearHTTP2+trusting] = p.newMux(&plain, nil)
	}
}

func (p *Pool) newMux(protocols *http.Protocols, secure *tls.Config) *http.Transport {
	d := &dialer{timeout: p.cfg.Timeouts.Connect, tls: secure}
	return &http.Transport{
		DialContext:            d.dial,
		DialTLSContext:         d.dialTLS,
		Protocols:              protocols,
		DisableCompression:     true, // bodies pass as they are
		MaxIdleConnsPerHost:    p.cfg.IdlePerHost,
		IdleConnTimeout:        p.cfg.IdleTimeout,
		ExpectContinueTimeout:  time.Second, // RFC 9110 section 10.1.1: do not wait for ever
		MaxResponseHeaderBytes: p.cfg.HeadLimit,
		WriteBufferSize:        16 << 10,
		ReadBufferSize:         16 << 10,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: p.cfg.Timeouts.Pause},
	}
}

// dialer makes connections for net/http, which dials on goroutines of its own.
type dialer struct {
	timeout time.Duration
	tls     *tls.Config
}

// dialing is a call that wants a connection, and how long it took to make one.
type dialing struct {
	timeout      time.Duration // 0: the pool's
	mu           sync.Mutex
	connect, tls time.Duration
}

type dialingKey struct{}

// begin says how long a connection may take.
func (d *dialer) begin(ctx context.Context) (context.Context, context.CancelFunc, *dialing) {
	call, ok := ctx.Value(dialingKey{}).(*dialing)
	if !ok {
		call = &dialing{}
	}
	timeout := d.timeout
	if call.timeout > 0 {
		timeout = call.timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return ctx, cancel, call
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel, call := d.begin(ctx)
	defer cancel()
	return call.dial(ctx, network, address)
}

func (c *dialing) dial(ctx context.Context, network, address string) (net.Conn, error) {
	start := time.Now()
	nc, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
	c.mu.Lock()
	c.connect = time.Since(start)
	c.mu.Unlock()
	if err != nil {
		return nil, &transport.ConnectError{Cause: err}
	}
	return nc, nil
}

var errNoHTTP2 = errors.New("the server does not speak HTTP/2")

func (d *dialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel, call := d.begin(ctx)
	defer cancel()
	nc, err := call.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(nc, d.named(address))
	start := time.Now()
	err = secure.HandshakeContext(ctx)
	call.mu.Lock()
	call.tls = time.Since(start)
	call.mu.Unlock()
	if err == nil && len(d.tls.NextProtos) == 1 && secure.ConnectionState().NegotiatedProtocol != d.tls.NextProtos[0] {
		err = errNoHTTP2
	}
	if err != nil {
		_ = nc.Close() // of no use
		return nil, &transport.ConnectError{Cause: err}
	}
	return secure, nil
}

// named is the configuration with the name that the server has to prove.
func (d *dialer) named(address string) *tls.Config {
	cfg := d.tls.Clone()
	cfg.ServerName, _, _ = net.SplitHostPort(address) // net/http's addresses have both
	return cfg
}
