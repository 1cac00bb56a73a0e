package policy_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
	"sluice.dev/platform/testenv"
	"sluice.dev/services/policy"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }

// replica is one running policy service and a connection to it.
type replica struct {
	*grpc.ClientConn
	service   *policy.Service
	redis     string
	telemetry *telemetry.T
	stop      func() error // ends the service and returns what Run returned
}

func start(t testing.TB, redisURL string, change ...func(*policy.Config)) *replica {
	t.Helper()
	r := &replica{telemetry: telemetry.Nop(), redis: redisURL}
	cfg := policy.Config{GRPC: rpc.ServerConfig{Listen: "127.0.0.1:0"}, Redis: redisdb.Config{URL: redisURL}}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	r.service, err = policy.New(context.Background(), cfg, r.telemetry)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.service.Run(ctx) }()
	r.stop = func() error {
		cancel()
		err := <-done
		done <- err
		return err
	}
	if r.ClientConn, err = rpc.Dial(r.service.Target(), rpc.ClientConfig{}, r.telemetry); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		if err := r.stop(); err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	return r
}

func ready(t testing.TB, redisURL string, change ...func(*policy.Config)) *replica {
	t.Helper()
	r := start(t, redisURL, change...)
	testenv.Eventually(t, 10*time.Second, func() bool { return r.service.Ready() == nil }, "the service is ready")
	return r
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (r *replica) endpoints() policyv1.EndpointServiceClient {
	return policyv1.NewEndpointServiceClient(r)
}

func (r *replica) create(t testing.TB, e *policyv1.Endpoint) *policyv1.Endpoint {
	t.Helper()
	got, err := r.endpoints().CreateEndpoint(within(t), &policyv1.CreateEndpointRequest{Endpoint: e})
	if err != nil {
		t.Fatal(err)
	}
	return got.GetEndpoint()
}
