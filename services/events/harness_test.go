package events_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/fakes"
	"sluice.dev/platform/id"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/sealed"
	"sluice.dev/platform/telemetry"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		fmt.Println(serveChild(spec))
		os.Exit(1)
	}
	testenv.Main(m, func() error {
		return goleak.Find(goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
	})
}

// world is everything around the service under test.
type world struct {
	t       *testing.T
	redis   string
	keys    string // key file
	capture *fakes.Capture
}

func newWorld(t *testing.T, redisURL string) *world {
	t.Helper()
	c, err := fakes.NewCapture()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	keys := filepath.Join(t.TempDir(), "secrets.key")
	if err := sealed.Create(keys); err != nil {
		t.Fatal(err)
	}
	return &world{t: t, redis: redisURL, keys: keys, capture: c}
}

// replica is one running service with clients.
type replica struct {
	stop          func()
	destinations  eventsv1.DestinationServiceClient
	subscriptions eventsv1.SubscriptionServiceClient
	monitors      eventsv1.MonitorServiceClient
	channels      eventsv1.ChannelServiceClient
	dashboards    eventsv1.DashboardServiceClient
	audit         eventsv1.AuditServiceClient
	sealing       eventsv1.SealingServiceClient
}

func (w *world) start() *replica {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cfg := events.Config{
		GRPC: rpc.ServerConfig{Listen: "127.0.0.1:0"}, Redis: redisdb.Config{URL: w.redis}, CaptureTarget: w.capture.Target(),
		ConsoleURL: "http://console", EvaluationDelay: time.Millisecond, Secrets: sealed.Config{SecretsKeyFile: w.keys},
	}
	s, err := events.New(ctx, cfg, telemetry.Nop())
	if err != nil {
		w.t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			w.t.Errorf("the service ended: %v", err)
		}
	})
	conn, err := rpc.Dial(s.Target(), rpc.ClientConfig{}, telemetry.Nop())
	if err != nil {
		w.t.Fatal(err)
	}
	r := connect(conn)
	r.stop = sync.OnceFunc(func() {
		_ = conn.Close()
		cancel()
		running.Wait()
	})
	w.t.Cleanup(r.stop)
	testenv.Eventually(w.t, 10*time.Second, func() bool { return s.Ready() == nil }, "the service is ready")
	return r
}

func connect(conn *grpc.ClientConn) *replica {
	return &replica{
		destinations: eventsv1.NewDestinationServiceClient(conn), subscriptions: eventsv1.NewSubscriptionServiceClient(conn),
		monitors: eventsv1.NewMonitorServiceClient(conn), channels: eventsv1.NewChannelServiceClient(conn),
		dashboards: eventsv1.NewDashboardServiceClient(conn), audit: eventsv1.NewAuditServiceClient(conn), sealing: eventsv1.NewSealingServiceClient(conn),
	}
}

// exchanges makes n exchanges that end now, with this status.
func exchanges(n int, status uint32) []*capturev1.Exchange {
	out := make([]*capturev1.Exchange, n)
	for i := range out {
		out[i] = &capturev1.Exchange{
			Id: id.Exchange.New(), EndpointId: "ep_1", EndpointName: "orders", StartTime: timestamppb.New(time.Now().Add(-time.Millisecond)),
			Connection: &capturev1.Connection{ClientIp: "203.0.113.7", ServerPort: 443},
			Request:    &capturev1.Request{Method: "GET", Host: "orders.example.com", Path: fmt.Sprintf("/%d", i), Url: fmt.Sprintf("https://orders.example.com/%d", i)},
			Response:   &capturev1.Response{StatusCode: status},
			Timings:    &capturev1.Timings{Duration: durationpb.New(time.Millisecond)},
		}
	}
	return out
}

func background(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
