package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	replayv1 "sluice.dev/proto/gen/sluice/replay/v1"

	"sluice.dev/gateway"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// system is a gateway before services that the test controls.
type system struct {
	t       *testing.T
	policy  *policyFake
	capture *captureFake
	gateway *gateway.Service
	stop    func()
	failed  chan error
}

func start(t *testing.T, change func(*gateway.Config)) *system {
	t.Helper()
	s := &system{t: t, policy: newPolicyFake(), capture: newCaptureFake(), failed: make(chan error, 1)}
	cfg := gateway.Config{
		Listen: "127.0.0.1:0", GRPCListen: "127.0.0.1:0",
		PolicyTarget:  serve(t, s.policy.register),
		CaptureTarget: serve(t, func(r grpc.ServiceRegistrar) { capturev1.RegisterCaptureServiceServer(r, s.capture) }),
		ReplayTarget:  serve(t, func(r grpc.ServiceRegistrar) { replayv1.RegisterReplayServiceServer(r, replayFake{}) }),
		EventsTarget:  serve(t, func(r grpc.ServiceRegistrar) { eventsv1.RegisterMonitorServiceServer(r, eventsFake{}) }),
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if s.gateway, err = gateway.New(t.Context(), cfg, telemetry.Nop()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.gateway.Run(ctx); err != nil {
			s.failed <- err
		}
	}()
	s.stop = func() { cancel(); <-done }
	t.Cleanup(s.stop)
	wait(t, "readiness", func() bool { return s.gateway.Ready() == nil || len(s.failed) > 0 })
	return s
}

// serve runs a gRPC server with what register adds, and returns its target.
func serve(t *testing.T, register func(grpc.ServiceRegistrar)) string {
	t.Helper()
	server, err := rpc.NewServer(rpc.ServerConfig{Listen: "127.0.0.1:0"}, telemetry.Nop())
	if err != nil {
		t.Fatal(err)
	}
	register(server)
	if err := server.Bind(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return server.Target()
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
		<-tick.C
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// call makes one request; headers are "name: value".
func (s *system) call(method, path, body string, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.gateway.URL()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if strings.EqualFold(name, "host") {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: 5 * time.Second}}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(raw)}
}
