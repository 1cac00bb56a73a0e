package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"sluice.dev/services/proxy/internal/http1"
)

// ConnectError says that no connection could be made. Nothing was sent.
type ConnectError struct{ Cause error }

// Error is the cause's text.
func (e *ConnectError) Error() string { return "connect: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *ConnectError) Unwrap() error { return e.Cause }

// connect returns a connection to t: the one that was used last, unless fresh is
// wanted or none is left that can be trusted.
func (p *Pool) connect(ctx context.Context, t Target, fresh bool, x *exchange) (*conn, error) {
	for !fresh {
		c := p.take(t)
		if c == nil {
			break
		}
		if c.quiet() {
			c.reused = true
			return c, nil
		}
		c.close()
	}
	nc, err := p.dial(ctx, t, x)
	if err != nil {
		return nil, &ConnectError{err}
	}
	return newConn(nc, t, http1.Limits{HeadBytes: p.cfg.HeadLimit}), nil
}

func (p *Pool) dial(ctx context.Context, t Target, x *exchange) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, x.limits.Connect)
	defer cancel()
	start := time.Now()
	nc, err := p.cfg.Dial(ctx, "tcp", t.Address)
	x.trace.Connect = time.Since(start)
	if err != nil || t.TLS == nil {
		return nc, err
	}
	cfg, err := t.config()
	if err != nil {
		_ = nc.Close() // of no use
		return nil, err
	}
	start = time.Now()
	secure := tls.Client(nc, cfg)
	err = secure.HandshakeContext(ctx)
	x.trace.TLSHandshake = time.Since(start)
	if err != nil {
		_ = nc.Close() // of no use
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return secure, nil
}

// config is t's, with the name that the server has to prove.
func (t Target) config() (*tls.Config, error) {
	if t.TLS.ServerName != "" {
		return t.TLS, nil
	}
	host, _, err := net.SplitHostPort(t.Address)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", t.Address, err)
	}
	cfg := t.TLS.Clone()
	cfg.ServerName = host
	return cfg, nil
}
