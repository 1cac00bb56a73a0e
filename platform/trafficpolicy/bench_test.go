package trafficpolicy_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

// seed is the guide's own policy.
const seed = `
on_http_request:
  - actions:
      - type: rate-limit
        config:
          name: per-host
          algorithm: sliding_window
          capacity: 30
          rate: 60s
          bucket_key: ["req.headers['host']"]
`

const threeExpressions = `
on_http_request:
  - expressions:
      - req.method == 'GET'
      - req.url.path.startsWith('/v1/')
      - "'x-api-key' in req.headers && req.headers['x-api-key'][0] != ''"
    actions:
      - type: add-headers
        config: {headers: {x-tier: gold}}
`

// admit is a limiter that always says yes.
type admit struct{}

func (admit) Take(context.Context, trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
	return trafficpolicy.RateLimitVerdict{Allowed: true, Remaining: 1}, nil
}

func exchange() trafficpolicy.Input {
	return trafficpolicy.Input{
		Conn:     &message.Conn{ClientAddr: netip.MustParseAddrPort("203.0.113.7:5123"), ServerAddr: netip.MustParseAddrPort("192.0.2.1:443")},
		Endpoint: &message.Endpoint{ID: "ep_1", URL: "https://api.example.com", Scheme: "https", Host: "api.example.com", Port: 443},
		Request: &message.Request{Method: "GET", Target: "/v1/users?q=1", Scheme: "https", Host: "api.example.com", Proto: "HTTP/1.1", ContentLength: -1,
			Header:   message.Header{{Name: "Host", Value: "api.example.com"}, {Name: "User-Agent", Value: "curl/8"}, {Name: "Accept", Value: "*/*"}, {Name: "X-Api-Key", Value: "k1"}},
			Received: time.Now()},
	}
}

func BenchmarkRateLimitByHost(b *testing.B)  { benchmark(b, seed, false) }
func BenchmarkThreeExpressions(b *testing.B) { benchmark(b, threeExpressions, false) }
func BenchmarkRateLimitTraced(b *testing.B)  { benchmark(b, seed, true) }

func benchmark(b *testing.B, source string, traced bool) {
	policy, problems := trafficpolicy.Compile(source)
	if policy == nil {
		b.Fatal(problems)
	}
	in := exchange()
	header := in.Request.Header.Clone()
	svc := trafficpolicy.Services{RateLimiter: admit{}, Now: time.Now}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		in.Request.Header = append(in.Request.Header[:0], header...)
		run := policy.Start(in, svc)
		if out, err := run.OnRequest(ctx); out != nil || err != nil {
			b.Fatal(out, err)
		}
		if traced {
			_ = run.Trace()
		}
		run.Release()
	}
}
