package certs_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.dev/platform/clock"
	"sluice.dev/services/proxy/internal/certs"
)

// issued is a certificate that signs itself, and its key, in PEM.
type issued struct{ cert, key string }

func issue(t *testing.T, subject string, life time.Duration, names ...string) issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: subject}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life),
		IsCA: len(names) == 0, BasicConstraintsValid: true}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return issued{
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})),
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// shown is the common name of what a client that asks for a name is shown.
func shown(t *testing.T, s *certs.Store, name string) string {
	t.Helper()
	c, err := s.GetCertificate(&tls.ClientHelloInfo{ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256}})
	if err != nil {
		t.Fatal(err)
	}
	if issuer := c.Leaf.Issuer.CommonName; strings.HasPrefix(issuer, "Sluice local CA") {
		return "local"
	}
	return c.Leaf.Subject.CommonName
}

func open(t *testing.T, cfg certs.Config) (*certs.Store, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer
	s, err := certs.Open(cfg, clock.System{}, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return s, &logged
}

func TestCertificatesAreChosenByName(t *testing.T) {
	dir := t.TempDir()
	exact, wild := issue(t, "exact", time.Hour, "api.example.com"), issue(t, "wild", time.Hour, "*.example.com", "192.0.2.1")
	short, long := issue(t, "short", time.Hour, "two.test"), issue(t, "long", 2*time.Hour, "two.test")
	write(t, dir, "exact.crt", exact.cert)
	write(t, dir, "exact.key", exact.key)
	write(t, dir, "wild.pem", wild.key+wild.cert) // one file for both
	authority := issue(t, "authority", time.Hour)
	write(t, dir, "live/two.test/cert.pem", short.cert)
	write(t, dir, "live/two.test/fullchain.pem", short.cert+authority.cert) // deeper than is looked
	write(t, dir, "two.test/fullchain.pem", long.cert+authority.cert)
	write(t, dir, "two.test/chain.pem", authority.cert) // nobody has its key
	write(t, dir, "two.test/privkey.pem", long.key)
	write(t, dir, "short/tls.crt", short.cert)
	write(t, dir, "short/tls.key", short.key)
	write(t, dir, "README.md", "not a certificate")
	write(t, dir, "..old/exact.crt", "of a volume that was replaced")
	s, logged := open(t, certs.Config{Files: dir, AuthorityDir: t.TempDir()})
	for name, want := range map[string]string{
		"api.example.com": "exact", "API.example.com.": "exact", "www.example.com": "wild", "a.b.example.com": "local", "example.com": "local",
		"192.0.2.1": "wild", "two.test": "long", "other.test": "local",
	} {
		if got := shown(t, s, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if strings.Contains(logged.String(), "level=ERROR") {
		t.Error(logged)
	}
	byPattern, _ := open(t, certs.Config{Files: filepath.Join(dir, "exact.*"), AuthorityDir: t.TempDir()})
	if got := shown(t, byPattern, "api.example.com"); got != "exact" {
		t.Error(got)
	}
	if got := shown(t, byPattern, "www.example.com"); got != "local" {
		t.Error(got)
	}
}

func TestCertificatesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	first, second := issue(t, "first", time.Hour, "a.test"), issue(t, "second", 2*time.Hour, "a.test")
	write(t, dir, "a.crt", first.cert)
	write(t, dir, "a.key", first.key)
	s, logged := open(t, certs.Config{Files: dir, AuthorityDir: t.TempDir()})
	steps := []struct {
		name, file, text, want string
		fault                  bool
	}{
		{"nothing changed", "", "", "first", false},
		{"garbage", "a.crt", "garbage", "first", true},
		{"a certificate without its key", "a.crt", second.cert, "first", true},
		{"a damaged key", "a.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "first", true},
		{"its key", "a.key", second.key, "second", false},
		{"another file", "b.pem", first.cert + first.key, "second", false},
	}
	at := time.Now()
	for i, step := range steps {
		if step.file != "" {
			write(t, dir, step.file, step.text)
			then := at.Add(time.Duration(i) * time.Second) // as time passes between changes
			if err := os.Chtimes(filepath.Join(dir, step.file), then, then); err != nil {
				t.Fatal(err)
			}
		}
		logged.Reset()
		s.Reload()
		if got := shown(t, s, "a.test"); got != step.want || strings.Contains(logged.String(), "level=ERROR") != step.fault {
			t.Errorf("%s: %s, want %s; %s", step.name, got, step.want, logged)
		}
		if strings.Contains(logged.String(), "AAAA") {
			t.Errorf("%s: a key was logged: %s", step.name, logged)
		}
	}
	if err := os.Remove(filepath.Join(dir, "a.crt")); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	if got := shown(t, s, "a.test"); got != "first" {
		t.Errorf("after one file went: %s", got)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	if got := shown(t, s, "a.test"); got != "first" {
		t.Errorf("after the directory went: %s", got)
	}
}

func TestCertificateForAllNames(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	all, one := issue(t, "all", time.Hour, "all.test"), issue(t, "one", time.Hour, "one.test")
	write(t, dir, "all.crt", all.cert)
	write(t, dir, "all.key", all.key)
	write(t, other, "one.pem", one.cert+one.key)
	cfg := certs.Config{Files: other, CertFile: filepath.Join(dir, "all.crt"), KeyFile: filepath.Join(dir, "all.key"), AuthorityDir: dir}
	s, _ := open(t, cfg)
	if s.AuthorityFile() != "" || shown(t, s, "x.test") != "all" || shown(t, s, "one.test") != "one" {
		t.Error(s.AuthorityFile(), shown(t, s, "x.test"), shown(t, s, "one.test"))
	}
	renewed := issue(t, "renewed", time.Hour, "all.test")
	write(t, dir, "all.crt", renewed.cert) // does not go with the key
	s.Reload()
	if got := shown(t, s, "x.test"); got != "all" {
		t.Error(got)
	}
	write(t, dir, "all.key", renewed.key)
	if err := os.Chtimes(cfg.KeyFile, time.Now(), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	if got := shown(t, s, "x.test"); got != "renewed" {
		t.Error(got)
	}
	for _, bad := range []certs.Config{
		{CertFile: cfg.CertFile, KeyFile: filepath.Join(other, "one.pem"), AuthorityDir: dir},
		{Files: filepath.Join(dir, "nothing"), AuthorityDir: dir},
		{Files: filepath.Join(dir, "[") + "*", AuthorityDir: dir},
	} {
		if _, err := certs.Open(bad, clock.System{}, quiet); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
