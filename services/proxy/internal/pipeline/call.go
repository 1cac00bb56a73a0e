package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

// maxCallDepth is how many policies may lead to each other by requests to internal
// endpoints, whatever they do to the field that counts them.
const maxCallDepth = 3

var (
	errCallDepth = fmt.Errorf("more than %d internal endpoints ask each other", maxCallDepth)
	errNoAnswer  = errors.New("the internal endpoint closed the connection")
	errSwitched  = errors.New("the internal endpoint switched protocols")
)

// Do implements trafficpolicy.HTTPClient: internal endpoints answer here, all else
// is asked over the network.
func (x *exchange) Do(ctx context.Context, req *trafficpolicy.OutboundRequest) (*trafficpolicy.OutboundResponse, error) {
	u, err := url.Parse(req.URL)
	if err != nil {
		return nil, fmt.Errorf("not a request that can be made: %w", err)
	}
	if host := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")); !strings.HasSuffix(host, ".internal") {
		return x.services.HTTP.Do(ctx, req)
	}
	return x.callInternal(ctx, u, req)
}

// callInternal has an internal endpoint answer a request that a policy makes. It is
// no exchange of its own; what it does counts as this one's.
func (x *exchange) callInternal(ctx context.Context, u *url.URL, req *trafficpolicy.OutboundRequest) (*trafficpolicy.OutboundResponse, error) {
	if x.depth >= maxCallDepth {
		return nil, errCallDepth
	}
	e, ok := x.state.Routes.Find(u.Scheme, u.Host, "")
	if !ok || !internalOnly(e) {
		return nil, fmt.Errorf("no endpoint is published at %s://%s", u.Scheme, u.Host)
	}
	if f := x.unservable(e); f != nil {
		return nil, errors.New(f.Message)
	}
	c := &exchange{Gateway: x.Gateway, ctx: ctx, peer: x.peer, conn: x.conn, req: asRequest(u, req), id: x.id, state: x.state, caller: x, depth: x.depth + 1,
		leg: leg{endpoint: e, called: true}, scheme: u.Scheme, host: u.Host}
	r, err := c.ask(&c.leg)
	for _, l := range c.inner {
		l.called = true
	}
	x.inner = append(append(x.inner, &c.leg), c.inner...)
	switch {
	case err != nil:
		return nil, err
	case r.failure != nil:
		return nil, errors.New(r.failure.Code + ": " + r.failure.Message)
	case r.res == nil:
		return nil, errNoAnswer
	case r.stream != nil:
		_ = r.stream.Close() // a policy has no use for it
		return nil, errSwitched
	}
	if r.res.Body == nil {
		r.res.Body = http.NoBody
	}
	return &trafficpolicy.OutboundResponse{Status: r.res.Status, Header: r.res.Header, Body: r.res.Body}, nil
}

func asRequest(u *url.URL, req *trafficpolicy.OutboundRequest) *message.Request {
	out := &message.Request{
		Method: req.Method, Target: u.RequestURI(), Scheme: u.Scheme, Host: u.Host, Proto: "HTTP/1.1", Received: time.Now(),
		ContentLength: int64(len(req.Body)), Body: io.NopCloser(strings.NewReader(req.Body)),
	}
	if !req.Header.Has("host") {
		out.Header.Add("Host", u.Host)
	}
	for _, f := range req.Header {
		if message.EqualName(f.Name, "host") {
			out.Host = f.Value
		}
		out.Header.Add(f.Name, f.Value)
	}
	return out
}
