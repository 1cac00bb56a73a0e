package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice.dev/platform/clock"
	"sluice.dev/services/proxy/internal/certs"
)

var quiet = slog.New(slog.DiscardHandler)

// handshake connects to a server with the store's certificates.
func handshake(t *testing.T, s *certs.Store, serverName string, roots *x509.CertPool) (tls.ConnectionState, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = tls.Server(c, &tls.Config{GetCertificate: s.GetCertificate}).Handshake() // the client judges
	}()
	defer func() { <-done }()
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{ServerName: serverName, RootCAs: roots})
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	return c.ConnectionState(), nil
}

func roots(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(raw) || strings.Contains(string(raw), "PRIVATE KEY") {
		t.Fatalf("%s: %s", file, raw)
	}
	return p
}

func TestClientsThatTrustTheAuthority(t *testing.T) {
	s, err := certs.Open(certs.Config{AuthorityDir: t.TempDir()}, clock.System{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	trusted := roots(t, s.AuthorityFile())
	for _, name := range []string{"api.example.com", "a.b.c.localhost", "localhost", "127.0.0.1", strings.Repeat("long.", 20) + "test"} {
		state, err := handshake(t, s, name, trusted)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "127.0.0.1" { // sent without SNI
			continue
		}
		again, err := s.GetCertificate(&tls.ClientHelloInfo{ServerName: strings.ToUpper(name) + "."})
		if err != nil || !again.Leaf.Equal(state.PeerCertificates[0]) {
			t.Errorf("%s in another spelling: another certificate, %v", name, err)
		}
	}
	if _, err := handshake(t, s, "api.example.com", x509.NewCertPool()); err == nil {
		t.Error("a client that does not trust the authority was content")
	}
}

func TestProxiesShareOneAuthority(t *testing.T) {
	dir := t.TempDir()
	stores := make([]*certs.Store, 8)
	var wg sync.WaitGroup
	for i := range stores {
		wg.Go(func() {
			s, err := certs.Open(certs.Config{AuthorityDir: dir}, clock.System{}, quiet)
			if err != nil {
				t.Error(err)
				return
			}
			stores[i] = s
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	trusted := roots(t, stores[0].AuthorityFile())
	for _, s := range stores {
		if _, err := handshake(t, s, "x.localhost", trusted); err != nil {
			t.Error(err)
		}
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 2 {
		t.Errorf("left in the directory: %v", entries)
	}
}

func TestCertificatesAreRenewed(t *testing.T) {
	c := clock.NewFake(time.Now())
	s, err := certs.Open(certs.Config{AuthorityDir: t.TempDir()}, c, quiet)
	if err != nil {
		t.Fatal(err)
	}
	get := func() *x509.Certificate {
		cert, err := s.GetCertificate(&tls.ClientHelloInfo{ServerName: "a.test"})
		if err != nil {
			t.Fatal(err)
		}
		return cert.Leaf
	}
	first := get()
	if again := get(); again != first {
		t.Error("signed twice")
	}
	c.Advance(380 * 24 * time.Hour)
	if later := get(); later == first || !later.NotAfter.After(c.Now().Add(300*24*time.Hour)) {
		t.Error("not renewed")
	}
}

func TestDamagedAuthorityIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/ca.key", []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := certs.Open(certs.Config{AuthorityDir: dir}, clock.System{}, quiet); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
	if raw, _ := os.ReadFile(dir + "/ca.key"); string(raw) != "junk" {
		t.Error("the file was overwritten")
	}
}
