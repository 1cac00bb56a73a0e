package harness

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// Visitor is a client of the published API that resolves every name to one proxy.
type Visitor struct {
	t     testing.TB
	proxy Proxy
	http  *http.Client
}

// Answer is what a visitor got.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	Took   time.Duration
}

// ExchangeID is the id under which the exchange is recorded.
func (a Answer) ExchangeID() string { return a.Header.Get("Sluice-Exchange-Id") }

// Visitor returns a client of proxy i that trusts its certificate authority.
func (s *System) Visitor(i int) *Visitor {
	s.t.Helper()
	v := &Visitor{t: s.t, proxy: s.Proxies[i]}
	dialer := &net.Dialer{}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, v.proxy.HTTP)
		},
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			secure := tls.Dialer{NetDialer: dialer, Config: &tls.Config{RootCAs: v.roots(), ServerName: host, MinVersion: tls.VersionTLS12}}
			return secure.DialContext(ctx, network, v.proxy.HTTPS)
		},
		MaxIdleConnsPerHost: 64,
	}
	s.t.Cleanup(transport.CloseIdleConnections)
	v.http = &http.Client{Transport: transport, Timeout: 40 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return v
}

// HTTP2 is a client that speaks HTTP/2 over TLS.
func (v *Visitor) HTTP2() *http.Client {
	dialer := &net.Dialer{}
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: v.roots(), MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, v.proxy.HTTPS)
		},
	}
	v.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 40 * time.Second}
}

func (v *Visitor) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	Eventually(v.t, 20*time.Second, "the proxy's certificate authority is there", func() error {
		pem, err := os.ReadFile(v.proxy.CA)
		if err != nil {
			return err
		}
		if !pool.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s holds no certificate", v.proxy.CA)
		}
		return nil
	})
	return pool
}

// Try sends a request; header are "Name: value".
func (v *Visitor) Try(method, url, body string, header ...string) (Answer, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	start := time.Now()
	res, err := v.http.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return Answer{Status: res.StatusCode, Header: res.Header, Body: string(raw), Took: time.Since(start)}, err
}

// Send is Try that ends the test when there is no answer.
func (v *Visitor) Send(method, url, body string, header ...string) Answer {
	v.t.Helper()
	a, err := v.Try(method, url, body, header...)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, url, err)
	}
	return a
}

// Get is Send of a GET.
func (v *Visitor) Get(url string) Answer { v.t.Helper(); return v.Send("GET", url, "") }
