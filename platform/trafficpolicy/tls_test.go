package trafficpolicy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

// pair is a certificate with its key.
type pair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem, keyPEM string
}

// issue makes a certificate that parent signs, or that signs itself.
func issue(t *testing.T, name string, parent *pair) *pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: parent == nil, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	p := &pair{key: key}
	if parent == nil {
		parent = &pair{certificate: template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.certificate, &key.PublicKey, parent.key)
	if err != nil {
		t.Fatal(err)
	}
	if p.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.pem = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	p.keyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	return p
}

func (p *pair) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{p.certificate.Raw}, PrivateKey: p.key}
}

// quote puts a text with lines into a document.
func quote(text string) string { return fmt.Sprintf("%q", text) }

// handshake connects a client to a server and returns the server's error.
func handshake(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	failed := make(chan error, 1)
	go func() {
		c := tls.Server(near, server)
		failed <- c.HandshakeContext(t.Context())
		_ = near.Close()
	}()
	c := tls.Client(far, client)
	if err := c.HandshakeContext(t.Context()); err == nil {
		_, _ = c.Read(make([]byte, 1)) // a TLS 1.3 client learns of a refusal only here
	}
	return <-failed
}

func TestTerminateTLS(t *testing.T) {
	authority, stranger := issue(t, "authority", nil), issue(t, "stranger", nil)
	server, friend := issue(t, "api.example.com", authority), issue(t, "friend", authority)
	other := issue(t, "other", stranger)
	roots := x509.NewCertPool()
	roots.AddCert(authority.certificate)
	config := func(fields string) *tls.Config {
		source := fmt.Sprintf("on_tcp_connect: [{actions: [{type: terminate-tls, config: {server_certificate: %s, server_private_key: \"${secrets.get('tls', 'key')}\", %s}}]}]", quote(server.pem), fields)
		out, err := compile(t, source).TLS().Config(t.Context(), trafficpolicy.Services{Secrets: secrets(server.keyPEM)})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	mutual := "mutual_tls_certificate_authorities: [" + quote(authority.pem) + "]"
	tests := []struct {
		name, fields string
		client       *tls.Config
		ok           bool
	}{
		{"any client", "", &tls.Config{}, true},
		{"TLS 1.2", "", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{"TLS 1.1", "", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"a higher floor", "min_version: 1.3", &tls.Config{MaxVersion: tls.VersionTLS12}, false},
		{"a lower ceiling", "max_version: '1.2'", &tls.Config{MinVersion: tls.VersionTLS13}, false},
		{"no certificate", mutual, &tls.Config{}, false},
		{"a stranger's", mutual, &tls.Config{Certificates: []tls.Certificate{other.tls()}}, false},
		{"a friend's", mutual, &tls.Config{Certificates: []tls.Certificate{friend.tls()}}, true},
		{"a single authority", strings.NewReplacer("[", "", "]", "").Replace(mutual), &tls.Config{Certificates: []tls.Certificate{friend.tls()}}, true},
		{"any is enough", mutual + ", mutual_tls_verification_strategy: require-any", &tls.Config{Certificates: []tls.Certificate{other.tls()}}, true},
		{"but one is needed", "mutual_tls_verification_strategy: require-any", &tls.Config{}, false},
		{"only asked", mutual + ", mutual_tls_verification_strategy: request", &tls.Config{}, true},
	}
	for _, tt := range tests {
		tt.client.RootCAs, tt.client.ServerName = roots, "api.example.com"
		if err := handshake(t, config(tt.fields), tt.client); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestTerminateTLSByNamedAuthority(t *testing.T) {
	authority := issue(t, "authority", nil)
	const source = "on_tcp_connect: [{actions: [{type: terminate-tls, config: {mutual_tls_certificate_authorities: [ca_1]}}]}]"
	lookup := trafficpolicy.WithCertificateAuthorities(func(id string) (string, bool) { return authority.pem, id == "ca_1" })
	p, problems := trafficpolicy.Compile(source, lookup)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	config, err := p.TLS().Config(t.Context(), trafficpolicy.Services{})
	if err != nil || config.ClientAuth != tls.RequireAndVerifyClientCert || config.Certificates != nil || config.ClientCAs == nil {
		t.Error(config, err)
	}
	if _, problems := trafficpolicy.Compile(source); len(problems.Errors()) != 1 {
		t.Error(problems)
	}
	if compile(t, seed).TLS() != nil {
		t.Error("a policy without terminate-tls has settings")
	}
}

// TestTerminateTLSFailsClosed when its certificates cannot be used.
func TestTerminateTLSFailsClosed(t *testing.T) {
	for _, fields := range []string{
		"mutual_tls_certificate_authorities: [\"-----BEGIN CERTIFICATE-----\\n...\\n-----END CERTIFICATE-----\"]",
		"mutual_tls_certificate_authorities: [\"${secrets.get('a', 'b')}\"]",
		"server_certificate: \"${secrets.get('a', 'b')}\", server_private_key: \"${secrets.get('a', 'b')}\"",
	} {
		p := compile(t, "on_tcp_connect: [{actions: [{type: terminate-tls, config: {"+fields+"}}]}]")
		for _, svc := range []trafficpolicy.Services{{}, {Secrets: secrets("hunter2hunter2")}} {
			if _, err := p.TLS().Config(t.Context(), svc); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", fields, err)
			}
		}
	}
}

// TestTerminateTLSResults are those of the session, once the action has run.
func TestTerminateTLSResults(t *testing.T) {
	const source = `
on_tcp_connect: [{actions: [{type: terminate-tls}]}]
on_http_request:
  - actions:
      - {type: add-headers, config: {headers: {x-tls: "${actions.ngrok.terminate_tls.cipher_suite} ${actions.ngrok.terminate_tls.client.subject.common_name} ${conn.tls.ja4} ${conn.tls.ja4_fingerprint}"}}}
`
	in := exchange()
	in.Conn.TLS = &message.TLS{CipherSuite: "TLS_AES_128_GCM_SHA256", JA4: "t13d1516h2", PeerCertificates: []*x509.Certificate{issue(t, "friend", nil).certificate}}
	run := compile(t, source).Start(in, trafficpolicy.Services{})
	defer run.Release()
	if out, err := run.OnTCPConnect(t.Context()); out != nil || err != nil {
		t.Fatal(out, err)
	}
	if out, err := run.OnRequest(t.Context()); out != nil || err != nil {
		t.Fatal(out, err)
	}
	if got := in.Request.Header.Get("x-tls"); got != "TLS_AES_128_GCM_SHA256 friend t13d1516h2 t13d1516h2" {
		t.Error(got)
	}
	before := compile(t, source).Start(exchange(), trafficpolicy.Services{})
	defer before.Release()
	if out, err := before.OnRequest(t.Context()); err != nil || out.ErrorCode != trafficpolicy.CodeTemplateFailed {
		t.Error("a result before its action ran", out, err)
	}
}
