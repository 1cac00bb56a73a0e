package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sluice.dev/platform/clock"
	"sluice.dev/services/proxy/internal/filewatch"
)

// cacheSize bounds the certificates kept; clients choose the names.
const cacheSize = 4096

// renewBefore is how long before its end a certificate is made anew.
const renewBefore = 30 * 24 * time.Hour

// Config says where certificates come from. For a name, one of Files comes first,
// then that of CertFile and KeyFile, or else one that the local authority signs.
type Config struct {
	Files             string // a directory or a pattern of PEM files; see [Open]
	CertFile, KeyFile string // shown for all names that Files have no certificate for
	AuthorityDir      string // of the local authority, unless there is a CertFile
}

// Store gives a certificate for each TLS handshake. It is safe for concurrent
// use.
type Store struct {
	files     *files
	authority *authority        // nil when the operator's certificates are for all names
	key       *ecdsa.PrivateKey // of all leaves of this process
	clock     clock.Clock
	path      string

	mu    sync.Mutex
	cache map[string]*tls.Certificate
}

// Open reads the operator's files and, if it is needed, the local authority, which is
// made if missing. Files may be a directory, whose files and those one level below
// are read, or a pattern as in [filepath.Glob]. In any of the files may be
// certificate chains, leaf first, and keys; which key belongs to which certificate
// shows by itself. A file that cannot be used is logged and left out.
func Open(cfg Config, c clock.Clock, log *slog.Logger) (*Store, error) {
	s := &Store{files: &files{pattern: cfg.Files, certFile: cfg.CertFile, keyFile: cfg.KeyFile, log: log}, clock: c}
	if err := s.files.open(c.Now()); err != nil || cfg.CertFile != "" {
		return s, err
	}
	a, err := openAuthority(cfg.AuthorityDir, c.Now())
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a TLS key: %w", err)
	}
	s.authority, s.key, s.path, s.cache = a, key, filepath.Join(cfg.AuthorityDir, CertificateFile), map[string]*tls.Certificate{}
	return s, nil
}

// Run looks for files that change, until ctx ends. Connections keep the certificates
// that they were shown.
func (s *Store) Run(ctx context.Context) error { return filewatch.Poll(ctx, s.Reload) }

// Reload reads the files again if they have changed. What cannot be used is logged,
// and the certificate that came from there before stays.
func (s *Store) Reload() { s.files.reload(s.clock.Now()) }

// AuthorityFile is the path of the certificate that clients have to trust; ""
// when the operator has a certificate for all names.
func (s *Store) AuthorityFile() string { return s.path }

// GetCertificate is for tls.Config. Without a server name the certificate is for the
// address that was called.
func (s *Store) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := normal(hello.ServerName)
	if name == "" {
		name = "localhost"
		if host, _, err := net.SplitHostPort(hello.Conn.LocalAddr().String()); err == nil {
			name = host
		}
	}
	if c := s.files.find(name, hello); c != nil {
		return c, nil
	}
	return s.certificate(name)
}

func normal(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func (s *Store) certificate(name string) (*tls.Certificate, error) {
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.cache[name]; c != nil && now.Before(c.Leaf.NotAfter.Add(-renewBefore)) {
		return c, nil
	}
	c, err := s.sign(name, now)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate for %q: %w", name, err)
	}
	for old := range s.cache {
		if len(s.cache) < cacheSize {
			break
		}
		delete(s.cache, old) // any: they are cheap to make
	}
	s.cache[name] = c
	return c, nil
}

func (s *Store) sign(name string, now time.Time) (*tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: commonName(name)},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
		if ip.IsLoopback() {
			template.DNSNames = []string{"localhost"}
		}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, s.authority.cert, &s.key.PublicKey, s.authority.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, s.authority.cert.Raw}, PrivateKey: s.key, Leaf: leaf}, nil
}

// commonName is name where it fits (RFC 5280: 64 characters).
func commonName(name string) string {
	if len(name) > 64 {
		return ""
	}
	return name
}
