package pipeline_test

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/control"
	"sluice.dev/services/proxy/internal/pipeline"
	"sluice.dev/services/proxy/internal/tap"
	"sluice.dev/services/proxy/internal/upstream"
)

// echo is an upstream in memory.
type echo struct{ body string }

func (e echo) Do(_ context.Context, u *upstream.Upstream, _ *message.Request, _ upstream.Caller) (*message.Response, upstream.Call, error) {
	return message.NewResponse(200, message.Header{{Name: "Content-Type", Value: "application/json"}}, e.body), upstream.Call{Address: u.Targets()[0].Address, Sent: time.Now()}, nil
}

// sink is a client in memory.
type sink struct{ status int }

func (s *sink) Informational(int, message.Header) error { return nil }

func (s *sink) Respond(res *message.Response, _ bool) error {
	s.status = res.Status
	_, err := io.Copy(io.Discard, res.Body)
	return err
}

func (s *sink) Upgrade(*message.Response, io.ReadWriteCloser) error { return nil }

// newGateway serves doc with everything in memory.
func newGateway(tb testing.TB, doc *policyv1.Endpoint, up pipeline.Upstreams, svc trafficpolicy.Services, cfg pipeline.Config, mode policyv1.CaptureMode) (*pipeline.Gateway, *tap.Tap, *tap.Ledger) {
	tb.Helper()
	g, _, recorder, ledger := newGatewayOf(tb, []*policyv1.Endpoint{doc}, up, svc, cfg, mode)
	return g, recorder, ledger
}

// newGatewayOf is the same with more endpoints, and with the store to change them.
func newGatewayOf(tb testing.TB, docs []*policyv1.Endpoint, up pipeline.Upstreams, svc trafficpolicy.Services, cfg pipeline.Config, mode policyv1.CaptureMode) (*pipeline.Gateway, *control.Store, *tap.Tap, *tap.Ledger) {
	tb.Helper()
	reg, log, ledger := prometheus.NewRegistry(), slog.New(slog.DiscardHandler), &tap.Ledger{}
	recorder := tap.New("px_1", tap.Limits{Exchanges: 1 << 12, Bytes: 256 << 20}, ledger)
	store := control.NewStore(func(s *control.State) { _ = recorder.Configure(s.Capture, s.ReplayKey) }, reg, log)
	store.Replace(&policyv1.Snapshot{Revision: 1, Endpoints: docs, Capture: &policyv1.CaptureSettings{Mode: mode}})
	if fault := store.State(); fault.Endpoints() != len(docs) {
		tb.Fatal("an endpoint cannot be served")
	}
	return pipeline.New(cfg, store, up, recorder, svc, reg, log), store, recorder, ledger
}

// recorded is what the tap has, as capture reads it.
func recorded(tb testing.TB, recorder *tap.Tap) []*capturev1.Exchange {
	tb.Helper()
	out := &capturev1.Batch{}
	for b := recorder.Batch(); b != nil; b = recorder.Batch() {
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(b.Raw, out); err != nil {
			tb.Fatal(err)
		}
	}
	return out.GetExchanges()
}

func request(header ...string) *message.Request {
	req := &message.Request{
		Method: "GET", Target: "/v1/users?page=2", Scheme: "https", Host: "api.test", Proto: "HTTP/1.1", Received: time.Now(), Body: io.NopCloser(strings.NewReader("")),
		Header: message.Header{{Name: "Host", Value: "api.test"}, {Name: "User-Agent", Value: "bench"}, {Name: "Accept", Value: "*/*"}, {Name: "Authorization", Value: "Bearer x"}},
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return req
}

func connection(client string) *message.Conn {
	return &message.Conn{ClientAddr: netip.MustParseAddrPort(client), ServerAddr: netip.MustParseAddrPort("10.0.0.1:443"), Start: time.Now()}
}

type allow struct{}

func (allow) Take(context.Context, trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
	return trafficpolicy.RateLimitVerdict{Allowed: true, Remaining: 9}, nil
}

// BenchmarkServe is the path of one request without HTTP on either side.
func BenchmarkServe(b *testing.B) {
	const policy = `
on_http_request:
  - expressions: ["req.url.path.startsWith('/v1/')"]
    actions:
      - {type: rate-limit, config: {name: n, algorithm: sliding_window, capacity: 100, rate: 60s, bucket_key: [conn.client_ip]}}
on_http_response:
  - actions: [{type: add-headers, config: {headers: {x-served-by: sluice}}}]
`
	up := echo{strings.Repeat("x", 1024)}
	for name, tt := range map[string]struct {
		policy string
		mode   policyv1.CaptureMode
	}{
		"plain/metadata": {"", policyv1.CaptureMode_CAPTURE_MODE_METADATA},
		"plain/full":     {"", policyv1.CaptureMode_CAPTURE_MODE_FULL},
		"policy/full":    {policy, policyv1.CaptureMode_CAPTURE_MODE_FULL},
	} {
		b.Run(name, func(b *testing.B) {
			doc := &policyv1.Endpoint{Id: "ep_1", Url: "https://api.test", Revision: 1, Upstream: &policyv1.Upstream{Url: "http://127.0.0.1:1"}, TrafficPolicy: tt.policy}
			g, recorder, _ := newGateway(b, doc, up, trafficpolicy.Services{RateLimiter: allow{}}, pipeline.Config{}, tt.mode)
			conn, to := connection("192.0.2.1:1000"), &sink{}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if !g.Serve(context.Background(), conn, request(), to) || to.status != 200 {
					b.Fatal(to.status)
				}
				if i%1000 == 999 {
					b.StopTimer()
					for batch := recorder.Batch(); batch != nil; batch = recorder.Batch() {
						recorder.Reuse(batch)
					}
					b.StartTimer()
				}
			}
		})
	}
}
