// Package front takes connections and hands requests on as platform/message types.
// It speaks HTTP/1.x by the gateway's own codec, and HTTP/2, in TLS or with prior
// knowledge, by net/http. What net/http takes and the codec would refuse is refused
// here.
//
// It knows no endpoints and no policies; what it serves is the Handler's matter.
package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
	"sluice.dev/services/proxy/internal/pipeline"
)

// Handler serves requests.
type Handler interface {
	// Serve reports whether the connection may be kept; false cuts it off, so that
	// the client sees that the answer is not whole.
	Serve(ctx context.Context, conn *message.Conn, req *message.Request, to pipeline.Client) (keep bool)
	// Rejected is told the status of each answer to bytes that are no request.
	Rejected(status int)
}

// Config bounds what clients may do.
type Config struct {
	HeadLimit         int           // bytes of a request head
	ReadHeaderTimeout time.Duration // also bounds the TLS handshake
	IdleTimeout       time.Duration // between the requests of a connection, and between the parts of a request body
	WriteTimeout      time.Duration // for a client to take a part of a response, at most 64 KiB; 0: no limit
	DrainTimeout      time.Duration // for running requests at the end
	ProxyProtocol     bool          // each connection begins with a PROXY protocol header
}

// Server is one listener: a goroutine for each connection, which carries a request
// from its first byte to the last of the response. Connections that speak HTTP/2 go
// to net/http.
type Server struct {
	cfg      Config
	limits   http1.Limits
	handler  Handler
	listener net.Listener
	security *security // nil without TLS
	http2    *http2Server
	metrics  *Metrics
	log      *slog.Logger
	base     context.Context // ends when running requests are cut off
	stop     context.CancelFunc
	draining atomic.Bool

	mu      sync.Mutex
	conns   map[*http1Conn]struct{}
	changed chan struct{} // has a token after a connection ended or was upgraded
	running sync.WaitGroup
}

// Listen opens a listener on address. It serves TLS when t is not nil.
func Listen(address string, cfg Config, h Handler, t *TLS, m *Metrics, log *slog.Logger) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for requests on %s: %w", address, err)
	}
	s := &Server{
		cfg: cfg, limits: http1.Limits{HeadBytes: cfg.HeadLimit}, handler: h, metrics: m, log: log,
		conns: map[*http1Conn]struct{}{}, changed: make(chan struct{}, 1),
	}
	s.base, s.stop = context.WithCancel(context.Background())
	accepts := &listener{Listener: l, writeTimeout: cfg.WriteTimeout, slow: m.cut[slowResponse]}
	if cfg.ProxyProtocol {
		accepts.Listener, accepts.proxied = proxied{l, cfg.ReadHeaderTimeout}, true
	}
	s.listener = accepts
	if t != nil {
		s.security = newSecurity(t)
	}
	s.http2 = newHTTP2Server(s)
	return s, nil
}

// Address is host:port of the listener.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Port is the listener's port.
func (s *Server) Port() string {
	_, port, _ := net.SplitHostPort(s.Address()) // a listener's address always has one
	return port
}

// Close frees the listener of a server that never ran.
func (s *Server) Close() error {
	s.stop()
	return s.listener.Close()
}

// Run serves until ctx ends, then lets running requests end and cuts off those
// that take longer than the drain timeout.
func (s *Server) Run(ctx context.Context) error {
	var others sync.WaitGroup
	others.Go(s.http2.run)
	failed := make(chan error, 1)
	go func() { failed <- s.accept() }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		_ = s.listener.Close() // accept returns
		if e := <-failed; !errors.Is(e, net.ErrClosed) {
			err = e
		}
	}
	s.drain()
	s.stop()
	s.running.Wait()
	others.Wait()
	return err
}

// accept takes connections until the listener is closed.
func (s *Server) accept() error {
	var pause time.Duration
	for {
		nc, err := s.listener.Accept()
		var temporary interface{ Temporary() bool }
		switch {
		case err == nil:
			pause = 0
			s.serve(nc.(*conn))
		case errors.As(err, &temporary) && temporary.Temporary(): // such as too many open files
			pause = min(max(5*time.Millisecond, 2*pause), time.Second)
			s.log.Warn("a connection could not be accepted", "error", err, "pause", pause)
			<-time.After(pause)
		default:
			return err
		}
	}
}

func (s *Server) serve(below *conn) {
	c := newHTTP1Conn(s, below)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.running.Go(func() {
		defer s.forget(c)
		c.serve()
	})
}

// forget takes c out of those that a drain waits for.
func (s *Server) forget(c *http1Conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// described tells the data path about a connection.
func (s *Server) described(c *conn, secure *tls.Conn) *message.Conn {
	if secure != nil {
		c.about.TLS = s.security.session(c, secure.ConnectionState())
	}
	return &c.about
}
