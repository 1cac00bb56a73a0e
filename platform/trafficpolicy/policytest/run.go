package policytest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/coding"
)

// Result is how a step went; no failures means as expected.
type Result struct {
	Step     string
	Failures []string
	Trace    trafficpolicy.Trace // of its last exchange
}

// Run compiles the policy and takes the steps in order. Problems with errors
// mean that nothing ran.
func (s *Suite) Run(ctx context.Context) ([]Result, trafficpolicy.Problems) {
	policy, problems := trafficpolicy.Compile(s.Policy, trafficpolicy.ForProtocol(s.Protocol))
	if policy == nil {
		return nil, problems
	}
	clock := s.Start
	if clock.IsZero() {
		clock = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	start, now := clock, func() time.Time { return clock }
	limiter := &Window{Now: now}
	other := remote(s.Remote)
	svc := trafficpolicy.Services{RateLimiter: limiter, Secrets: vault(s.Secrets), Now: now, KeySets: trafficpolicy.NewKeySets(other, now), HTTP: other, Breakers: trafficpolicy.NewBreakers(now)}
	results := make([]Result, 0, len(s.Steps))
	for _, step := range s.Steps {
		if at := start.Add(step.At); at.After(clock) {
			clock = at
		}
		limiter.Down = step.Counter == "down"
		result := Result{Step: step.Name}
		for i := range step.Repeat {
			x, err := s.exchange(ctx, policy, svc, step, clock)
			failures := []string{}
			if err != nil {
				failures = append(failures, err.Error())
			} else {
				result.Trace = x.trace
				failures = step.Expect.compare(x)
			}
			for _, f := range failures {
				if step.Repeat > 1 {
					f = fmt.Sprintf("exchange %d: %s", i+1, f)
				}
				result.Failures = append(result.Failures, f)
			}
		}
		results = append(results, result)
	}
	return results, problems
}

// exchanged is what became of one exchange.
type exchanged struct {
	outcome   *trafficpolicy.Outcome // of the request phase
	response  *message.Response
	code      trafficpolicy.Code
	forwarded *message.Request // nil when the upstream was not asked
	closed    bool
	trace     trafficpolicy.Trace
	facts     trafficpolicy.Facts
}

func (s *Suite) exchange(ctx context.Context, p *trafficpolicy.Policy, svc trafficpolicy.Services, step Step, now time.Time) (*exchanged, error) {
	in, err := s.input(step, now)
	if err != nil {
		return nil, err
	}
	run := p.Start(in, svc)
	defer run.Release()
	x := &exchanged{}
	if step.Connect {
		x.outcome, err = run.OnTCPConnect(ctx)
	} else {
		x.outcome, err = run.OnRequest(ctx)
	}
	switch {
	case err != nil:
		return nil, err
	case x.outcome != nil:
		x.response, x.closed, x.code = x.outcome.Response, x.outcome.Close, x.outcome.ErrorCode
	case !step.Connect:
		x.forwarded = in.Request
		if !step.Upstream.Down {
			x.response = step.Upstream.response()
		}
	}
	if x.response != nil && (x.outcome == nil || x.outcome.RunResponsePhase) {
		out, err := run.OnResponse(ctx, x.response)
		if err != nil {
			return nil, err
		}
		if out != nil {
			x.response, x.closed, x.code = out.Response, out.Close, out.ErrorCode
		}
	}
	x.trace, x.facts = run.Trace(), run.Facts()
	return x, nil
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
	in := trafficpolicy.Input{
		Conn:     &message.Conn{ClientAddr: netip.AddrPortFrom(addr, 40000), ServerAddr: netip.MustParseAddrPort("192.0.2.1:443"), Start: now},
		Endpoint: &message.Endpoint{ID: "ep_test", Name: "test", URL: "https://api.example.com", Scheme: string(s.Protocol), Host: "api.example.com", Port: 443},
	}
	if step.Connect {
		return in, nil
	}
	in.Request, err = step.Request.message(now)
	return in, err
}

func (r Request) message(now time.Time) (*message.Request, error) {
	raw := r.URL
	if raw == "" {
		raw = "https://api.example.com/"
	}
	u, err := url.Parse(raw)
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
	return message.NewResponse(u.Status, header, u.Body)
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// vault holds "vault/name": value.
type vault map[string]string

var errNoSecret = errors.New("no such secret")

// Secret implements expr.SecretSource.
func (v vault) Secret(_ context.Context, vaultName, name string) (string, error) {
	if value, ok := v[vaultName+"/"+name]; ok {
		return value, nil
	}
	return "", errNoSecret
}

// maxBody is the most of a body that is looked at, in bytes.
const maxBody = 64 << 20

func bodyOf(body io.Reader, encoding string) string {
	if body == nil {
		return ""
	}
	b, err := coding.Decode(body, encoding, maxBody)
	if err != nil {
		return "unreadable: " + err.Error()
	}
	return string(b)
}
