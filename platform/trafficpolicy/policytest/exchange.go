package policytest

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

// Exchange is what became of one exchange.
type Exchange struct {
	Outcome   *trafficpolicy.Outcome // of the phases before the upstream; nil when it was asked
	Final     *trafficpolicy.Outcome // that made the response or closed; nil when the upstream's was sent
	Response  *message.Response      // nil when there was none
	Forwarded *message.Request       // nil when the upstream was not asked
	Trace     trafficpolicy.Trace
	Facts     trafficpolicy.Facts
}

// Closed reports whether the policy closed the connection.
func (x *Exchange) Closed() bool { return x.Final != nil && x.Final.Close }

// Code is the code of a refusal or failure, else "".
func (x *Exchange) Code() trafficpolicy.Code {
	if x.Final == nil {
		return ""
	}
	return x.Final.ErrorCode
}

func (s *Suite) exchange(ctx context.Context, p *trafficpolicy.Policy, svc trafficpolicy.Services, step Step, now time.Time) (*Exchange, error) {
	in, err := s.input(step, now)
	if err != nil {
		return nil, err
	}
	run := p.Start(in, svc)
	defer run.Release()
	x := &Exchange{}
	if x.Outcome, err = run.OnTCPConnect(ctx); err == nil && x.Outcome == nil && !step.Connect {
		x.Outcome, err = run.OnRequest(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := s.forward(ctx, run, x, step); err != nil {
		return nil, err
	}
	x.Final = x.Outcome
	switch {
	case x.Outcome != nil && x.Outcome.Forward != nil:
		x.Final, x.Forwarded = nil, in.Request
	case x.Outcome != nil:
		x.Response = x.Outcome.Response
	case !step.Connect:
		x.Forwarded = in.Request
		if !step.Upstream.Down {
			x.Response = step.Upstream.response()
		}
	}
	if x.Response != nil && (x.Outcome == nil || x.Outcome.RunResponsePhase || x.Outcome.Forward != nil) {
		out, err := run.OnResponse(ctx, x.Response)
		if err != nil {
			return nil, err
		}
		if out != nil {
			x.Final, x.Response = out, out.Response
		}
	}
	if x.Response != nil && p.Has(trafficpolicy.OnEventStreamMessage) {
		readEvents(x.Response)
	}
	x.Trace, x.Facts = run.Trace(), run.Facts()
	return x, nil
}

// offline is what the proxy says of an endpoint that is not there.
var offline = trafficpolicy.ForwardFailure{Code: "SLUICE_3200", Status: 404, Message: "no such endpoint"}

// forward lets internal endpoints answer until one does or the policy stops.
func (s *Suite) forward(ctx context.Context, run *trafficpolicy.Run, x *Exchange, step Step) error {
	for x.Outcome != nil && x.Outcome.Forward != nil {
		answer, known := s.Internal[x.Outcome.Forward.URL]
		if s.Internal == nil {
			answer, known = step.Upstream, true
		}
		if known && !answer.Down {
			x.Response = answer.response()
			return nil
		}
		var err error
		if x.Outcome, err = run.ForwardFailed(ctx, offline); err != nil {
			return err
		}
	}
	return nil
}

// readEvents takes the body now: it runs the policy, so it must be read before the
// run is released. One that breaks off is kept as far as it came.
func readEvents(res *message.Response) {
	text, err := io.ReadAll(res.Body)
	if err != nil {
		text = append(text, "(breaks off)"...)
	}
	length := res.ContentLength
	res.SetBody(string(text))
	res.ContentLength = length
}

func (s *Suite) input(step Step, now time.Time) (trafficpolicy.Input, error) {
	client := step.Request.ClientIP
	if client == "" {
		client = "203.0.113.7"
	}
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return trafficpolicy.Input{}, fmt.Errorf("client_ip: %w", err)
	}
	endpoint, base, err := s.endpoint()
	if err != nil {
		return trafficpolicy.Input{}, err
	}
	in := trafficpolicy.Input{
		Conn:     &message.Conn{ClientAddr: netip.AddrPortFrom(addr, 40000), ServerAddr: netip.AddrPortFrom(serverIP, uint16(endpoint.Port)), Start: now}, // #nosec G115 -- a port of a URL
		Endpoint: endpoint,
	}
	if step.Connect {
		return in, nil
	}
	in.Request, err = step.Request.message(base, now)
	return in, err
}

// serverIP is where clients connect to, an address for documentation.
var serverIP = netip.MustParseAddr("192.0.2.1")

// endpoint is the endpoint, and a URL of it that can be called: a wildcard has
// none.
func (s *Suite) endpoint() (*message.Endpoint, *url.URL, error) {
	raw := s.Endpoint
	if raw == "" {
		raw = string(s.Protocol) + "://api.example.com"
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return nil, nil, fmt.Errorf("endpoint: %q is not an absolute URL such as https://api.example.com", raw)
	}
	port := 443
	if u.Scheme == "http" {
		port = 80
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		port = int(n)
	}
	e := &message.Endpoint{ID: "ep_test", Name: "test", URL: raw, Scheme: u.Scheme, Host: u.Hostname(), Port: port}
	return e, &url.URL{Scheme: u.Scheme, Host: strings.Replace(u.Host, "*", "test", 1), Path: "/"}, nil
}

func (r Request) message(base *url.URL, now time.Time) (*message.Request, error) {
	u, err := base.Parse(r.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	m := &message.Request{Method: r.Method, Target: u.RequestURI(), Scheme: u.Scheme, Host: u.Host, Proto: "HTTP/1.1", ContentLength: 0, Received: now}
	if m.Method == "" {
		m.Method = "GET"
	}
	m.Header.Add("Host", u.Host)
	for _, name := range sorted(r.Headers) {
		m.Header.Add(name, r.Headers[name])
	}
	m.Header = append(m.Header, r.Lines...)
	if r.Body != "" {
		m.Body, m.ContentLength = io.NopCloser(strings.NewReader(r.Body)), int64(len(r.Body))
		m.Header.Set("Content-Length", strconv.Itoa(len(r.Body)))
	}
	if r.User != "" {
		m.Header.Add("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(r.User)))
	}
	return m, nil
}

func (u Upstream) response() *message.Response {
	if u.Status == 0 {
		u.Status = 200
	}
	var header message.Header
	for _, name := range sorted(u.Headers) {
		header.Add(name, u.Headers[name])
	}
	header = append(header, u.Lines...)
	return message.NewResponse(u.Status, header, u.Body)
}
