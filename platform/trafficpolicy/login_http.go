package trafficpolicy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"sluice.dev/platform/message"
)

const (
	maxProviderAnswer = 1 << 20 // bytes
	// providerTimeout is for one question to an identity provider.
	providerTimeout = 10 * time.Second
)

// policyTransport is an http.RoundTripper over the client for requests of
// policies, so that its guard holds for identity providers too.
type policyTransport struct{ client HTTPClient }

// RoundTrip implements http.RoundTripper.
func (p policyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	out := &OutboundRequest{Method: req.Method, URL: req.URL.String()}
	if req.Body != nil {
		body, err := io.ReadAll(io.LimitReader(req.Body, maxProviderAnswer))
		_ = req.Body.Close() // was read
		if err != nil {
			return nil, err
		}
		out.Body = string(body)
	}
	for name, values := range req.Header {
		for _, value := range values {
			out.Header.Add(strings.ToLower(name), value)
		}
	}
	if !out.Header.Has("user-agent") {
		out.Header.Add("user-agent", "sluice")
	}
	answer, err := p.client.Do(req.Context(), out)
	if err != nil {
		return nil, err
	}
	res := &http.Response{
		StatusCode: answer.Status, Status: http.StatusText(answer.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: answer.Body, ContentLength: -1, Request: req,
	}
	for _, f := range answer.Header {
		res.Header.Add(f.Name, f.Value)
	}
	return res, nil
}

// askJSON gets a JSON object; token may be empty.
func askJSON(ctx context.Context, client HTTPClient, url, token string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, providerTimeout)
	defer cancel()
	var header message.Header
	header.Add("accept", "application/json")
	header.Add("user-agent", "sluice")
	if token != "" {
		header.Add("authorization", "Bearer "+token)
	}
	res, err := client.Do(ctx, &OutboundRequest{Method: http.MethodGet, URL: url, Header: header})
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	defer func() { _ = res.Body.Close() }() // what counts was read
	if res.Status != http.StatusOK {
		return fmt.Errorf("%s answers with status %d", url, res.Status)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxProviderAnswer)).Decode(into); err != nil {
		return fmt.Errorf("%s answers with something else than JSON: %w", url, err)
	}
	return nil
}
