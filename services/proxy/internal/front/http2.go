package front

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

// preface is how a client begins that speaks HTTP/2 without having asked (RFC 9113
// section 3.3).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// http2Ping is after how long of silence a client is asked whether it is still there.
const http2Ping = time.Minute

// http2Server serves connections that speak HTTP/2 by net/http, which never gets to
// see HTTP/1.x.
type http2Server struct {
	front  *Server
	server *http.Server
	queue  *handoff
}

func newHTTP2Server(s *Server) *http2Server {
	h := &http2Server{front: s, queue: newHandoff(s.listener.Addr())}
	h.server = &http.Server{
		Handler:        h,
		MaxHeaderBytes: s.cfg.HeadLimit,
		IdleTimeout:    s.cfg.IdleTimeout,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:    func(net.Listener) context.Context { return s.base },
		ConnContext:    withConn,
		Protocols:      new(http.Protocols),
		HTTP2:          &http.HTTP2Config{SendPingTimeout: http2Ping},
	}
	h.server.Protocols.SetHTTP2(true)
	h.server.Protocols.SetUnencryptedHTTP2(true)
	return h
}

// run ends when the server is shut down, which closes the queue.
func (h *http2Server) run() { _ = h.server.Serve(h.queue) }

type connKey struct{}

// withConn has requests know their connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	switch c := c.(type) {
	case *tls.Conn:
		return context.WithValue(ctx, connKey{}, c.NetConn())
	case *preread:
		return context.WithValue(ctx, connKey{}, c.conn)
	}
	return ctx // cannot be: these two are handed over
}

// preread is a connection without TLS of which something was read ahead.
type preread struct {
	*conn
	in *http1.Reader
}

// Read takes what was read ahead first.
func (p *preread) Read(b []byte) (int, error) { return p.in.Read(b) }

// ServeHTTP implements http.Handler.
func (h *http2Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	about := &r.Context().Value(connKey{}).(*conn).about
	req := newRequest(r, schemeOf(about))
	to := &http2Client{ctx: r.Context(), w: w, method: r.Method, patience: h.front.cfg.WriteTimeout, slow: h.front.metrics.cut[slowResponse]}
	if refused := checkRequest(r, req); refused != nil {
		h.front.handler.Rejected(refused.Status)
		_ = to.Respond(refusal(refused), false) // as far as the client takes it
		return
	}
	if !h.front.handler.Serve(r.Context(), about, req, to) {
		panic(http.ErrAbortHandler)
	}
}

func schemeOf(c *message.Conn) string {
	if c.TLS != nil {
		return "https"
	}
	return "http"
}

// handoff is a listener for net/http, of connections that were accepted elsewhere.
type handoff struct {
	address net.Addr
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

func newHandoff(address net.Addr) *handoff {
	return &handoff{address: address, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (h *handoff) give(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.done:
		_ = c.Close() // nobody serves it any more
	}
}

// Accept implements net.Listener.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, http.ErrServerClosed
	}
}

// Close implements net.Listener.
func (h *handoff) Close() error { h.once.Do(func() { close(h.done) }); return nil }

// Addr implements net.Listener.
func (h *handoff) Addr() net.Addr { return h.address }
