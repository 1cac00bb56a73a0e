package front

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"

	"sluice.dev/platform/message"
)

// Certificates are shown to TLS clients.
type Certificates interface {
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
}

// Terms are what policies say about how connections are secured.
type Terms interface {
	// Terms are those of connections to a server name at a port; the name stands for
	// them on the connection. Nil: nothing is said. The error refuses the connection.
	Terms(ctx context.Context, serverName string, port uint16) (terms *tls.Config, name any, err error)
}

// TLS is how connections are secured.
type TLS struct {
	Certificates Certificates
	Terms        Terms // nil for none
}

// security makes the tls.Config of a listener.
type security struct {
	TLS
	config *tls.Config
}

// greeting is what a TLS client said, and was shown.
type greeting struct {
	ja4   string
	hello *tls.ClientHelloInfo // nil after the handshake
	own   *tls.Certificate     // of the terms; nil for the listener's
	shown *x509.Certificate    // nil in a session that was resumed
}

func newSecurity(t *TLS) *security {
	s := &security{TLS: *t}
	s.config = &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: s.configFor, GetCertificate: s.certificate,
	}
	return s
}

// configFor runs once for each connection, before anything is answered.
func (s *security) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	c := hello.Conn.(*conn)
	c.greeting.ja4, c.greeting.hello = ja4(hello), hello
	if s.Terms == nil {
		return nil, nil //nolint:nilnil // as crypto/tls has it: nothing is changed
	}
	terms, name, err := s.Terms.Terms(hello.Context(), hello.ServerName, c.about.ServerAddr.Port())
	if terms == nil || err != nil {
		return nil, err
	}
	c.about.TLSTerms.Store(name)
	out := terms.Clone()
	out.NextProtos = s.config.NextProtos
	out.SessionTicketsDisabled = out.ClientAuth != tls.NoClientCert // who the client is must be proved each time
	out.GetCertificate = s.certificate
	if len(terms.Certificates) > 0 {
		c.greeting.own, out.Certificates = &terms.Certificates[0], nil
	}
	return out, nil
}

// certificate is the one for a client.
func (s *security) certificate(hello *tls.ClientHelloInfo) (cert *tls.Certificate, err error) {
	g := &hello.Conn.(*conn).greeting
	if cert = g.own; cert == nil {
		cert, err = s.Certificates.GetCertificate(hello)
	}
	if err == nil {
		g.shown = cert.Leaf
	}
	return cert, err
}

// session is what became of a connection's handshake. For a session that was resumed
// the certificate is what would be shown now.
func (s *security) session(c *conn, state tls.ConnectionState) *message.TLS {
	g := &c.greeting
	if g.shown == nil && g.hello != nil {
		_, _ = s.certificate(g.hello) // without one, nothing is known of it
	}
	g.hello = nil
	t := message.TLSOf(state, g.shown)
	t.JA4 = g.ja4
	return t
}

// shakeHands makes a connection secure; nil when that failed.
func (s *Server) shakeHands(below *conn) *tls.Conn {
	secure := tls.Server(below, s.security.config)
	ctx, cancel := context.WithTimeout(s.base, s.cfg.ReadHeaderTimeout)
	defer cancel()
	err := secure.HandshakeContext(ctx)
	if err == nil {
		return secure
	}
	var plain tls.RecordHeaderError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		s.metrics.cut[slowHandshake].Inc()
	case errors.As(err, &plain) && plain.Conn != nil && looksLikeHTTP(plain.RecordHeader):
		_, _ = below.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis port is for HTTPS.\n"))
		s.handler.Rejected(400)
	default:
		s.metrics.handshakes.Inc()
	}
	s.log.Debug("TLS handshake failed", "client", below.RemoteAddr(), "error", err)
	return nil
}

// looksLikeHTTP recognizes the first bytes of the usual methods.
func looksLikeHTTP(b [5]byte) bool {
	switch string(b[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "PATCH", "DELET":
		return true
	}
	return false
}
