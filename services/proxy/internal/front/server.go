// Package front takes connections and hands requests on as platform/message types.
// It speaks HTTP/1.x by the gateway's own codec and HTTP/2, over TLS, by net/http,
// which can also stand in for the codec.
package front

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/pipeline"
)

// Handler serves requests. Serve reports whether the connection may be kept;
// false cuts it off, so that the client sees that the answer is not whole.
type Handler interface {
	Serve(ctx context.Context, conn *message.Conn, req *message.Request, to pipeline.Client) (keep bool)
}

// Config bounds what clients may do.
type Config struct {
	HeadLimit         int           // bytes of a request head
	ReadHeaderTimeout time.Duration // also bounds the TLS handshake
	IdleTimeout       time.Duration // between the requests of a connection
	DrainTimeout      time.Duration // for running requests at the end
	ProxyProtocol     bool          // each connection begins with a PROXY protocol header
	NetHTTP           bool          // speak HTTP/1.x by net/http, too
}

// Certificates are shown to TLS clients.
type Certificates interface {
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Leaf is the certificate shown for this server name, or nil.
	Leaf(serverName string) *x509.Certificate
}

// Server is one listener.
type Server struct {
	cfg      Config
	handler  Handler
	certs    Certificates
	listener net.Listener
	http     *http.Server
	lean     *lean // nil when all is spoken by net/http
	rejected func(status int)
	log      *slog.Logger
	stop     context.CancelFunc // cuts running requests off
}

// Listen opens a listener on address. It serves TLS when certs is not nil.
// rejected is called with the status of each answer to bytes that are no request.
func Listen(address string, cfg Config, h Handler, certs Certificates, rejected func(status int), log *slog.Logger) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for requests on %s: %w", address, err)
	}
	base, stop := context.WithCancel(context.Background())
	s := &Server{cfg: cfg, handler: h, certs: certs, rejected: rejected, log: log, stop: stop}
	s.listener = &listener{Listener: l, rejected: rejected}
	if cfg.ProxyProtocol {
		s.listener = &listener{Listener: proxied{l, cfg.ReadHeaderTimeout}, rejected: rejected, proxied: true}
	}
	s.http = &http.Server{
		Handler:           s,
		MaxHeaderBytes:    cfg.HeadLimit,
		ReadHeaderTimeout: cfg.ReadHeaderTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       withConn,
	}
	if certs != nil {
		s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certs.GetCertificate}
	}
	if !cfg.NetHTTP {
		s.lean = newLean(s, base)
	}
	return s, nil
}

type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// Address is host:port of the listener.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Run serves until ctx ends, then lets running requests end and cuts off those
// that take longer than the drain timeout.
func (s *Server) Run(ctx context.Context) error {
	if s.lean != nil {
		return s.lean.run(ctx)
	}
	failed := make(chan error, 1)
	go func() {
		if s.certs != nil {
			failed <- s.http.ServeTLS(s.listener, "", "")
			return
		}
		failed <- s.http.Serve(s.listener)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	defer s.stop()
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.DrainTimeout)
	defer cancel()
	if err := s.http.Shutdown(patience); err != nil {
		s.log.Warn("requests were cut off at the end of the drain", "address", s.Address(), "drain", s.cfg.DrainTimeout)
		s.stop()
		_ = s.http.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close frees the listener of a server that never ran.
func (s *Server) Close() error {
	s.stop()
	return s.listener.Close()
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	about := c.describe(r.TLS, s.leaf)
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		// A proxy must be able to pass on an early answer while it still reads.
		// HTTP/1.0 and hijacked connections refuse; nothing is lost then.
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	req := newRequest(r)
	if !s.handler.Serve(r.Context(), about, req, &client{ctx: r.Context(), w: w, method: r.Method}) {
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) leaf(sni string) *x509.Certificate { return s.certs.Leaf(sni) }

// Port is the listener's port.
func (s *Server) Port() string {
	_, port, _ := net.SplitHostPort(s.Address()) // a listener's address always has one
	return port
}
