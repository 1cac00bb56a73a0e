package tap

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

// reader is a body that is read again and again.
type reader struct{ strings.Reader }

func (*reader) Close() error { return nil }

// traced is what a policy with two rules leaves, in the memory of the record.
func traced(r *Recording) {
	p := &r.Policy
	p.RateLimit, p.RateLimitBucket = "allow", `["192.0.2.1"]`
	if cap(p.Trace.Phases) > 0 && len(p.Trace.Phases[:1][0].Rules) == 2 {
		p.Trace.Phases = p.Trace.Phases[:1]
		return
	}
	results := []trafficpolicy.ResultTrace{{Name: "bucket_key", Value: `["192.0.2.1"]`}, {Name: "limited", Value: false}}
	p.Trace.Phases = []trafficpolicy.PhaseTrace{{Phase: trafficpolicy.OnHTTPRequest, Duration: 9000, Rules: []trafficpolicy.RuleTrace{
		{Name: "only posts", False: "req.method == 'POST'", Duration: 1000},
		{Index: 1, Name: "limit", Matched: true, Duration: 8000, Actions: []trafficpolicy.ActionTrace{{Type: "rate-limit", Duration: 7000, Results: results}}},
	}}}
}

// BenchmarkRecord is one exchange from its beginning to the batch that it goes in:
// all that recording costs but for reading the bodies. cpu-ns/op is the processor time,
// which other processes change less. The one allocation is the response.
func BenchmarkRecord(b *testing.B) {
	body := `{"id":"3f1c6c8e-7a55-4b0d-9d7e-0d1f3c1f0a77","name":"Widget","created_at":"2026-01-02T03:04:05Z","price":1299,"description":"` + strings.Repeat("A plain text about nothing in particular. ", 19) + `","stock":{"count":12}}`
	for _, tt := range []struct {
		name          string
		settings      *policyv1.CaptureSettings
		policy        bool
		authorization string
	}{
		{"metadata", nil, false, ""},
		{"full", limits(10240, 10240), false, ""},
		{"full and policy", limits(10240, 10240), true, ""},
		{"full, policy and credentials", limits(10240, 10240), true, "Bearer abcdefghijklmnop"},
		{"left out by the sample", &policyv1.CaptureSettings{Mode: policyv1.CaptureMode_CAPTURE_MODE_FULL, SamplePercent: 1e-12}, true, ""},
	} {
		b.Run(tt.name, func(b *testing.B) {
			tap := newTap(b, tt.settings)
			req := &message.Request{Method: "GET", Target: "/v1/products/17?page=2", Scheme: "http", Host: "api.test", Proto: "HTTP/1.1", Received: time.Now(), Header: message.Header{
				{Name: "Host", Value: "api.test"}, {Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"}, {Name: "Accept", Value: "application/json"}, {Name: "Accept-Language", Value: "en"}}}
			if tt.authorization != "" {
				req.Header.Add("Authorization", tt.authorization)
			}
			header := message.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "Server", Value: "x"}, {Name: "Cache-Control", Value: "no-store"}, {Name: "Content-Length", Value: "1000"}}
			endpoint, from, content := &message.Endpoint{ID: "ep_1", Name: "api", URL: "http://api.test"}, &reader{}, make([]byte, 32<<10)
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				r := tap.Begin("ex_01M88S93DVBXR3BP1QXTC7G0FD", conn, req)
				r.ForEndpoint(endpoint, 1, nil)
				from.Reset(body)
				res := message.Response{Status: 200, Header: header, ContentLength: int64(len(body)), Body: from}
				r.Upstream = UpstreamCall{Address: "10.0.0.1:80", Proto: "HTTP/1.1", Reused: true, Sent: req.Received, FirstByte: 1000}
				r.Respond(&res)
				for {
					if _, err := res.Body.Read(content); errors.Is(err, io.EOF) {
						break
					}
				}
				if tt.policy {
					traced(r)
				}
				tap.End(r)
				for tap.FullBatch() {
					tap.Reuse(tap.Batch())
				}
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpu is the processor time of this process so far.
func cpu(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
