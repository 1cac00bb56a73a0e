// Package keyset downloads the JSON Web Key Sets that jwt-validation verifies
// tokens with. What is kept and for how long is platform/trafficpolicy's.
package keyset

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/outbound"
)

// Fetcher implements trafficpolicy.KeyFetcher over HTTP.
type Fetcher struct{ client *http.Client }

var _ trafficpolicy.KeyFetcher = (*Fetcher)(nil)

// NewFetcher returns a fetcher with connections of its own, to addresses that the
// guard lets policies call. Proxies of the environment are not used: they would
// resolve names themselves, out of the guard's sight.
func NewFetcher(guard *outbound.Guard) *Fetcher {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: guard.Control}
	return &Fetcher{client: &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConns: 16, IdleConnTimeout: 30 * time.Second, ResponseHeaderTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
	}}
}

// FetchKeys returns the document at url.
func (f *Fetcher) FetchKeys(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: not a URL", redact.URL(url))
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d instead of 200", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, trafficpolicy.MaxKeySet+1))
	if err != nil {
		return nil, err
	}
	if len(body) > trafficpolicy.MaxKeySet {
		return nil, fmt.Errorf("the document has more than %d bytes", trafficpolicy.MaxKeySet)
	}
	return body, nil
}

// Close closes the connections that nobody uses.
func (f *Fetcher) Close() { f.client.CloseIdleConnections() }
