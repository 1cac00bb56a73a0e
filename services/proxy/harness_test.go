package proxy_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
	proxyv1 "sluice.dev/proto/gen/sluice/proxy/v1"

	"sluice.dev/platform/telemetry"
	proxy "sluice.dev/services/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a proxy that serves.
type running struct {
	*proxy.Service
	t      testing.TB
	tel    *telemetry.T
	cfg    proxy.Config
	client *http.Client
	stop   context.CancelFunc
	done   chan error
	once   sync.Once
}

// run starts a proxy in dir; targets that nobody serves are allowed.
func run(t testing.TB, dir, policyTarget, captureTarget string, change ...func(*proxy.Config)) *running {
	t.Helper()
	cfg := proxy.Config{
		HTTPListen: "127.0.0.1:0", HTTPSListen: "127.0.0.1:0", DataDir: dir, PolicyTarget: policyTarget, CaptureTarget: captureTarget,
		DrainTimeout: 5 * time.Second, RateLimitTimeout: 2 * time.Second,
	}
	cfg.GRPC.Listen = "127.0.0.1:0"
	for _, f := range change {
		f(&cfg)
	}
	tel := telemetry.Nop()
	s, err := proxy.New(context.Background(), cfg, tel)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Service: s, t: t, tel: tel, cfg: cfg, stop: cancel, done: make(chan error, 1), client: &http.Client{Transport: &http.Transport{}}}
	go func() { r.done <- s.Run(ctx) }()
	t.Cleanup(r.end)
	return r
}

// end stops the proxy and waits for it.
func (r *running) end() {
	r.once.Do(func() {
		r.stop()
		r.client.CloseIdleConnections()
		if err := <-r.done; err != nil {
			r.t.Errorf("the proxy stopped with %v", err)
		}
	})
}

// nowhere is an address that refuses connections.
const nowhere = "127.0.0.1:1"

func endpoint(upstream, policy string) *policyv1.Endpoint {
	e := &policyv1.Endpoint{Id: "ep_1", Url: "http://api.test", Name: "api", Revision: 1, TrafficPolicy: policy}
	if upstream != "" {
		e.Upstream = &policyv1.Upstream{Url: upstream}
	}
	return e
}

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func hello(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, "hello")
}

func (r *running) ready() *running {
	r.t.Helper()
	eventually(r.t, "readiness", func() bool { return r.Ready() == nil })
	return r
}

// get asks for path of api.test.
func (r *running) get(path string, header ...string) (status int, code, exchangeID string) {
	r.t.Helper()
	res := r.send("GET", path, "", header...)
	return res.StatusCode, res.Header.Get("Sluice-Error-Code"), res.Header.Get("Sluice-Exchange-Id")
}

func (r *running) send(method, path, body string, header ...string) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+r.HTTPAddress()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Host = "api.test"
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res
}

func (r *running) status() *proxyv1.GetStatusResponse {
	r.t.Helper()
	conn, err := grpc.NewClient(r.Target(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	res, err := proxyv1.NewProxyServiceClient(conn).GetStatus(context.Background(), &proxyv1.GetStatusRequest{})
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

// metric is the value of a metric with these label values.
func (r *running) metric(name string, labels ...string) float64 {
	r.t.Helper()
	families, err := r.tel.Registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var got []string
			for _, l := range m.GetLabel() {
				got = append(got, l.GetValue())
			}
			if strings.Join(got, ",") == strings.Join(labels, ",") {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	r.t.Fatalf("no metric %s %v", name, labels)
	return 0
}
