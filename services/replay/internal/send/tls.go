package send

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
)

// TLS says how the proxy's certificate is verified.
type TLS struct {
	CAFile     string // read at each connection: it may appear after the start
	SkipVerify bool
}

func (t TLS) handshake(ctx context.Context, conn net.Conn, host string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	// SkipVerify is an operator who has said so.
	cfg := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, InsecureSkipVerify: t.SkipVerify}
	if cfg.RootCAs, err = t.roots(); err != nil {
		return nil, err
	}
	secure := tls.Client(conn, cfg)
	return secure, secure.HandshakeContext(ctx)
}

// roots is nil for the system's.
func (t TLS) roots() (*x509.CertPool, error) {
	if t.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(t.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read the proxies' certificate authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", t.CAFile)
	}
	return pool, nil
}
