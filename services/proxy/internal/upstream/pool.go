package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1/transport"
)

// Config bounds calls.
type Config struct {
	ConnectTimeout  time.Duration // TCP and TLS each; 0 means 10 s
	ResponseTimeout time.Duration // request sent to response head; 0 means none
	IdleTimeout     time.Duration // a pooled connection is kept this long; 0 means 5 min
	HeadLimit       int64         // bytes of a response head; 0 means 1 MB
	IdlePerHost     int           // pooled connections per upstream; 0 means 512
	RootCAs         *x509.CertPool
}

func (c Config) withDefaults() Config {
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 5 * time.Minute
	}
	if c.HeadLimit == 0 {
		c.HeadLimit = 1_000_000
	}
	if c.IdlePerHost == 0 {
		c.IdlePerHost = 512
	}
	return c
}

// Pool holds the connections to all upstreams.
type Pool struct {
	plain     *transport.Pool // for targets without TLS
	verifying *http.Transport
	trusting  *http.Transport // for targets with SkipVerify
}

// NewPool returns an empty pool.
func NewPool(cfg Config) *Pool {
	cfg = cfg.withDefaults()
	return &Pool{
		plain: transport.New(transport.Config{
			ConnectTimeout: cfg.ConnectTimeout, ResponseTimeout: cfg.ResponseTimeout, IdleTimeout: cfg.IdleTimeout,
			IdlePerTarget: cfg.IdlePerHost, HeadLimit: int(cfg.HeadLimit),
		}),
		verifying: newTransport(cfg, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.RootCAs}),
		trusting:  newTransport(cfg, &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}), // #nosec G402 -- the endpoint's owner asked for it
	}
}

func newTransport(cfg Config, tlsConfig *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: cfg.ConnectTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    cfg.ConnectTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // bodies pass as they are
		MaxIdleConnsPerHost:    cfg.IdlePerHost,
		IdleConnTimeout:        cfg.IdleTimeout,
		ResponseHeaderTimeout:  cfg.ResponseTimeout,
		ExpectContinueTimeout:  time.Second, // RFC 9110 section 10.1.1: do not wait for ever
		MaxResponseHeaderBytes: cfg.HeadLimit,
		WriteBufferSize:        16 << 10,
		ReadBufferSize:         16 << 10,
	}
}

// Close closes the connections that nobody uses.
func (p *Pool) Close() {
	p.plain.Close()
	p.verifying.CloseIdleConnections()
	p.trusting.CloseIdleConnections()
}

// Informational is told of each 1xx response but 101, before the final one.
type Informational func(status int, header message.Header)

// Call is what is known of one call besides its response.
type Call struct {
	Address string    // host:port that was called
	Reused  bool      // the connection had served before
	Sent    time.Time // when the call began
}

// Do sends req to t and returns the response once its head is there; its Body
// must be closed. Hop-by-hop fields of both are dropped. With status 101 the Body
// is an io.ReadWriteCloser to the upstream. The error is a *CallError, or wraps
// ErrClientGone.
func (p *Pool) Do(ctx context.Context, t *Target, req *message.Request, info Informational) (*message.Response, Call, error) {
	call := Call{Address: t.Address, Sent: time.Now()}
	if t.Scheme == "http" {
		return p.doPlain(ctx, t, req, info, call)
	}
	relay := &relay{info: info}
	defer relay.stop()
	out, err := outgoing(relay.trace(ctx, &call), t, req)
	if err != nil {
		return nil, call, failure(ctx, t, err)
	}
	transport := p.verifying
	if t.SkipVerify {
		transport = p.trusting
	}
	res, err := transport.RoundTrip(out) //nolint:bodyclose // the caller closes it, wrapped in the response
	if err != nil {
		return nil, call, failure(ctx, t, err)
	}
	return incoming(res), call, nil
}

func isTLS(err error) bool {
	var record tls.RecordHeaderError
	var verify *tls.CertificateVerificationError
	var alert tls.AlertError
	var op *net.OpError
	return errors.As(err, &record) || errors.As(err, &verify) || errors.As(err, &alert) ||
		errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}
