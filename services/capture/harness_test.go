package capture_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"sluice.dev/platform/id"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }

// installation is what capture processes share.
type installation struct {
	t     testing.TB
	dsn   string
	redis string
}

func install(t testing.TB) installation {
	t.Helper()
	return installation{t, testenv.ClickHouse(t), testenv.SharedRedis(t).URL()}
}

// process is a running capture service.
type process struct {
	t       testing.TB
	svc     *capture.Service
	stop    func()
	ingest  capturev1.IngestServiceClient
	capture capturev1.CaptureServiceClient
	routes  capturev1.RouteServiceClient
	views   capturev1.ViewServiceClient

	registry prometheus.Gatherer
}

// start runs a capture process; it ends with the test, or with stop.
func (in installation) start(writer string) *process {
	in.t.Helper()
	p := in.run(writer)
	testenv.Eventually(in.t, 30*time.Second, func() bool { return p.svc.Ready() == nil }, "capture is ready")
	return p
}

// run is start without waiting.
func (in installation) run(writer string) *process {
	in.t.Helper()
	t := in.t
	tel := telemetry.Nop()
	if os.Getenv("SLUICE_TEST_LOG") != "" {
		tel.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	cfg := capture.Config{ClickHouse: in.dsn, Writer: writer, Redis: redisdb.Config{URL: in.redis, Namespace: t.Name()}}
	cfg.GRPC.Listen = "127.0.0.1:0"
	svc, err := capture.New(t.Context(), cfg, tel)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx) }()
	conn, err := rpc.Dial(svc.Target(), rpc.ClientConfig{}, tel)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{
		t: t, svc: svc, ingest: capturev1.NewIngestServiceClient(conn), capture: capturev1.NewCaptureServiceClient(conn),
		routes: capturev1.NewRouteServiceClient(conn), views: capturev1.NewViewServiceClient(conn), registry: tel.Registry,
	}
	stopped := false
	p.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("capture stopped with %v", err)
		}
		conn.Close()
	}
	t.Cleanup(p.stop)
	return p
}

// stream is one proxy's connection.
type stream struct {
	t testing.TB
	capturev1.IngestService_IngestClient
}

func (p *process) connect() stream {
	p.t.Helper()
	s, err := p.ingest.Ingest(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return stream{p.t, s}
}

func newBatch(exchanges ...*capturev1.Exchange) *capturev1.Batch {
	return &capturev1.Batch{Id: id.Batch.New(), Exchanges: exchanges}
}

// store sends batches and waits for their acknowledgements.
func (s stream) store(batches ...*capturev1.Batch) {
	s.t.Helper()
	for _, b := range batches {
		if err := s.Send(&capturev1.IngestRequest{ProxyId: "px_1", Batch: b}); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, b := range batches {
		ack, err := s.Recv()
		if err != nil {
			s.t.Fatal(err)
		}
		if ack.GetBatchId() != b.GetId() {
			s.t.Fatalf("batch %s was acknowledged, want %s", ack.GetBatchId(), b.GetId())
		}
	}
}

func (p *process) list(req *capturev1.ListExchangesRequest) *capturev1.ListExchangesResponse {
	p.t.Helper()
	resp, err := p.capture.ListExchanges(p.t.Context(), req)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp
}

func (p *process) count() float64 {
	p.t.Helper()
	resp, err := p.capture.AggregateExchanges(p.t.Context(), &capturev1.AggregateExchangesRequest{Aggregation: capturev1.Aggregation_AGGREGATION_COUNT})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.GetSeries()[0].GetValue()
}

// follow collects ids from a position on until n have come.
func (p *process) follow(req *capturev1.FollowLogRequest, n int) (ids []string, position string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	s, err := p.capture.FollowLog(ctx, req)
	if err != nil {
		p.t.Fatal(err)
	}
	position = req.GetPosition()
	for len(ids) < n {
		page, err := s.Recv()
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			p.t.Fatalf("only %d of %d exchanges came", len(ids), n)
		}
		if err != nil {
			p.t.Fatal(err)
		}
		for _, e := range page.GetExchanges() {
			ids = append(ids, e.GetId())
		}
		position = page.GetPosition()
	}
	return ids, position
}

// metric is the value of a gauge or counter.
func (p *process) metric(name string) float64 {
	families, err := p.registry.Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return 0
}
