package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sluice.dev/platform/clock"
)

// cacheSize bounds the certificates kept; clients choose the names.
const cacheSize = 4096

// renewBefore is how long before its end a certificate is made anew.
const renewBefore = 30 * 24 * time.Hour

// Store gives a certificate for each TLS handshake. It is safe for concurrent
// use.
type Store struct {
	fixed     *tls.Certificate // the operator's
	authority *authority
	key       *ecdsa.PrivateKey // of all leaves of this process
	clock     clock.Clock
	path      string

	mu    sync.Mutex
	cache map[string]*tls.Certificate
}

// Load returns a store with one certificate from PEM files.
func Load(certFile, keyFile string) (*Store, error) {
	c, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("load the TLS certificate: %w", err)
	}
	return &Store{fixed: &c}, nil
}

// Local returns a store whose certificates are signed by the authority in dir,
// which is made if missing.
func Local(dir string, c clock.Clock) (*Store, error) {
	a, err := openAuthority(dir, c.Now())
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a TLS key: %w", err)
	}
	return &Store{authority: a, key: key, clock: c, path: filepath.Join(dir, CertificateFile), cache: map[string]*tls.Certificate{}}, nil
}

// AuthorityFile is the path of the certificate that clients have to trust; ""
// with certificates of the operator.
func (s *Store) AuthorityFile() string { return s.path }

// GetCertificate is for tls.Config. Without a server name the certificate is for
// localhost and the address that was called.
func (s *Store) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s.fixed != nil {
		return s.fixed, nil
	}
	name := normal(hello.ServerName)
	if name == "" {
		name = "localhost"
		if host, _, err := net.SplitHostPort(hello.Conn.LocalAddr().String()); err == nil {
			name = host
		}
	}
	return s.certificate(name)
}

// Leaf is the certificate that a client who asked for serverName was shown; nil
// when it is not known any more.
func (s *Store) Leaf(serverName string) *x509.Certificate {
	if s.fixed != nil {
		return s.fixed.Leaf
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.cache[normal(serverName)]; c != nil {
		return c.Leaf
	}
	return nil
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
