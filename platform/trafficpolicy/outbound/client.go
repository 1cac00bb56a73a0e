// Package outbound makes the HTTP requests that policies ask for, and keeps them
// from addresses that are not meant for them. It decides nothing else: timeouts,
// redirects and retries are the action's.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

// Internal answers requests to endpoints under .internal, which have no address
// in the network.
type Internal interface {
	Do(ctx context.Context, req *trafficpolicy.OutboundRequest) (*trafficpolicy.OutboundResponse, error)
}

// Client implements trafficpolicy.HTTPClient. It is safe for concurrent use.
type Client struct {
	internal  Internal
	transport *http.Transport
}

// Bounds of a response and of the connections that are kept.
const (
	maxHeader   = 64 << 10 // bytes
	maxIdle     = 100      // connections
	idleTimeout = 60 * time.Second
	dialTimeout = 5 * time.Second
)

var errNoInternal = errors.New("this gateway has no endpoints under .internal")

// New returns a client. internal may be nil: requests to .internal fail then.
func New(guard *Guard, internal Internal) *Client {
	c := &Client{internal: internal}
	dialer := &net.Dialer{Timeout: dialTimeout, Control: guard.Control}
	c.transport = &http.Transport{
		Proxy:                  nil, // a proxy would resolve names itself, out of the guard's sight
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // the action undoes codings, with a limit
		MaxIdleConns:           maxIdle,
		IdleConnTimeout:        idleTimeout,
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: maxHeader,
	}
	return c
}

// Do implements trafficpolicy.HTTPClient.
func (c *Client) Do(ctx context.Context, req *trafficpolicy.OutboundRequest) (*trafficpolicy.OutboundResponse, error) {
	resolved := ""
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if at, err := netip.ParseAddrPort(info.Conn.RemoteAddr().String()); err == nil {
			resolved = at.Addr().Unmap().String()
		}
	}})
	out, err := http.NewRequestWithContext(ctx, req.Method, req.URL, strings.NewReader(req.Body))
	if err != nil {
		return nil, fmt.Errorf("not a request that can be made: %w", err)
	}
	if isInternal(out.URL.Hostname()) {
		if c.internal == nil {
			return nil, errNoInternal
		}
		return c.internal.Do(ctx, req)
	}
	if req.Body == "" {
		out.Body, out.ContentLength = http.NoBody, 0
	}
	for _, f := range req.Header {
		if message.EqualName(f.Name, "host") {
			out.Host = f.Value
			continue
		}
		out.Header.Add(f.Name, f.Value)
	}
	res, err := c.transport.RoundTrip(out) //nolint:bodyclose // the caller closes it
	if err != nil {
		return nil, err
	}
	answer := &trafficpolicy.OutboundResponse{Status: res.StatusCode, Body: res.Body, ResolvedIP: resolved}
	for name, values := range res.Header {
		for _, value := range values {
			answer.Header.Add(strings.ToLower(name), value)
		}
	}
	return answer, nil
}

func isInternal(host string) bool {
	return strings.HasSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".internal")
}

// Close closes the connections that nobody uses.
func (c *Client) Close() { c.transport.CloseIdleConnections() }
