package policytest

import (
	"context"
	"fmt"

	"sluice.dev/platform/trafficpolicy"
)

// remote is what other servers answer, by URL.
type remote map[string]Upstream

// FetchKeys implements trafficpolicy.KeyFetcher.
func (r remote) FetchKeys(_ context.Context, url string) ([]byte, error) {
	answer, ok := r[url]
	if !ok {
		return nil, fmt.Errorf("%s does not answer", url)
	}
	return []byte(answer.Body), nil
}

// Do implements trafficpolicy.HTTPClient.
func (r remote) Do(_ context.Context, req *trafficpolicy.OutboundRequest) (*trafficpolicy.OutboundResponse, error) {
	answer, ok := r[req.URL]
	if !ok {
		return nil, fmt.Errorf("%s does not answer", req.URL)
	}
	res := answer.response()
	return &trafficpolicy.OutboundResponse{Status: res.Status, Header: res.Header, Body: res.Body, ResolvedIP: "192.0.2.80"}, nil
}
