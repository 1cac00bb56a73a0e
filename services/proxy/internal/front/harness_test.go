package front_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"google.golang.org/protobuf/proto"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/control"
	"sluice.dev/services/proxy/internal/front"
	"sluice.dev/services/proxy/internal/pipeline"
	"sluice.dev/services/proxy/internal/tap"
	"sluice.dev/services/proxy/internal/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// replayKey is the key of every harness.
var replayKey = []byte("0123456789abcdef")

// harness is a whole data plane on a real socket, without control plane and
// capture service.
type harness struct {
	t       testing.TB
	URL     string
	Address string
	Tap     *tap.Tap
	Ledger  *tap.Ledger
	gateway *pipeline.Gateway
	metrics *prometheus.Registry
	stop    context.CancelFunc
	done    chan error
	client  *http.Client
	stopped sync.Once
}

type option func(*harnessConfig)

type harnessConfig struct {
	front    front.Config
	pipeline pipeline.Config
	pool     upstream.Config
	capture  *policyv1.CaptureSettings
	services trafficpolicy.Services
	tls      *front.TLS
	queue    tap.Limits
}

// start serves endpoints whose URL host is "api.test" unless given otherwise.
func start(t testing.TB, endpoints []*policyv1.Endpoint, opts ...option) *harness {
	t.Helper()
	cfg := harnessConfig{
		front:   front.Config{HeadLimit: 1_000_000, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, DrainTimeout: 5 * time.Second},
		capture: &policyv1.CaptureSettings{Mode: policyv1.CaptureMode_CAPTURE_MODE_FULL},
		queue:   tap.Limits{Exchanges: 1000, Bytes: 64 << 20},
	}
	if spoken.secure() {
		cfg.tls = &front.TLS{Certificates: borrowed(t)}
		endpoints = secured(endpoints)
	}
	for _, o := range opts {
		o(&cfg)
	}
	reg, log := prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
	ledger := &tap.Ledger{}
	recorder := tap.New("px_test", cfg.queue, ledger)
	pool := upstream.NewPool(cfg.pool, reg, log)
	store := control.NewStore(func(s *control.State) { _ = recorder.Configure(s.Capture, s.ReplayKey); pool.Configure(s.Upstreams()) }, reg, log)
	store.Replace(&policyv1.Snapshot{Revision: 7, Endpoints: endpoints, Capture: cfg.capture, ReplayKey: replayKey})
	g := pipeline.New(cfg.pipeline, store, pool, recorder, cfg.services, reg, log)
	srv, err := front.Listen("127.0.0.1:0", cfg.front, g, cfg.tls, front.NewMetrics(reg), log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &harness{t: t, URL: "http://" + srv.Address(), Address: srv.Address(), Tap: recorder, Ledger: ledger, gateway: g, metrics: reg, stop: cancel, done: make(chan error, 1)}
	if cfg.tls != nil {
		h.URL = "https://" + srv.Address()
	}
	go func() { h.done <- srv.Run(ctx) }()
	h.client = &http.Client{Transport: spoken.transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() {
		h.client.CloseIdleConnections()
		h.shutdown()
		pool.Close()
	})
	return h
}

func (h *harness) shutdown() {
	h.stopped.Do(func() {
		h.stop()
		if err := <-h.done; err != nil {
			h.t.Errorf("the front end stopped with %v", err)
		}
	})
}

// to publishes one endpoint in front of an upstream.
func to(upstreamURL string) []*policyv1.Endpoint {
	return []*policyv1.Endpoint{{Id: "ep_1", Url: "http://api.test", Revision: 3, Upstream: &policyv1.Upstream{Url: upstreamURL}}}
}

func withPolicy(upstreamURL, policy string) []*policyv1.Endpoint {
	e := to(upstreamURL)
	e[0].TrafficPolicy = policy
	return e
}

// serve starts an upstream.
func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// request makes a request for the endpoint api.test.
func (h *harness) request(method, target string, body string) *http.Request {
	h.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, h.URL+target, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Host = "api.test"
	return req
}

func (h *harness) do(req *http.Request) *http.Response {
	h.t.Helper()
	res, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// recorded waits for the next record.
func (h *harness) recorded() *capturev1.Exchange {
	h.t.Helper()
	var raw *tap.Batch
	eventually(h.t, "a record", func() bool { raw = h.Tap.Batch(); return raw != nil })
	b := &capturev1.Batch{}
	if err := proto.Unmarshal(raw.Raw, b); err != nil {
		h.t.Fatal(err)
	}
	if len(b.GetExchanges()) != 1 {
		h.t.Fatalf("%d records at once; want one", len(b.GetExchanges()))
	}
	return b.GetExchanges()[0]
}

// eventually polls a condition with a deadline.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s did not come in time", what)
		case <-tick.C:
		}
	}
}
