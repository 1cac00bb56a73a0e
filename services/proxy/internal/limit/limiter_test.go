package limit

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/testenv"
	"sluice.dev/platform/trafficpolicy"
)

func TestMain(m *testing.M) {
	testenv.Main(m, func() error { return goleak.Find() }, func() error { return os.RemoveAll(counterDir) })
}

// away is a service that nobody can reach.
type away struct {
	policyv1.RateLimitServiceClient
}

func (away) Decide(context.Context, ...grpc.CallOption) (grpc.BidiStreamingClient[policyv1.DecideRequest, policyv1.DecideResponse], error) {
	return nil, errors.New("nobody is there")
}

func TestWithoutAStreamNobodyWaits(t *testing.T) {
	l := New(away{}, time.Hour, clock.System{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	q := trafficpolicy.RateLimitQuery{EndpointID: "ep_1", Name: "n", Algorithm: "sliding_window", Capacity: 1, Rate: time.Minute, Bucket: "b"}
	for mode, want := range map[trafficpolicy.StoreErrorMode]error{
		trafficpolicy.StoreErrorAllow: ErrUnavailable, trafficpolicy.StoreErrorDeny: ErrUnavailable, trafficpolicy.StoreErrorLocal: nil,
	} {
		q.OnStoreError = mode
		if v, err := l.Take(ctx, q); !errors.Is(err, want) || err == nil && !v.Local {
			t.Errorf("%s: %+v, %v", mode, v, err)
		}
	}
}

func TestBucketNames(t *testing.T) {
	q := trafficpolicy.RateLimitQuery{EndpointID: "ep_1", Name: "n", Algorithm: "sliding_window", Capacity: 1, Rate: time.Minute, Bucket: `["a"]`, OnStoreError: trafficpolicy.StoreErrorAllow}
	name := idOf(&q).serviceName()
	same := q
	same.Capacity, same.OnStoreError = 2, trafficpolicy.StoreErrorDeny
	if idOf(&same).serviceName() != name {
		t.Error("capacity or mode is part of the name")
	}
	for _, change := range []func(*trafficpolicy.RateLimitQuery){
		func(q *trafficpolicy.RateLimitQuery) { q.EndpointID = "ep_2" }, func(q *trafficpolicy.RateLimitQuery) { q.Name = "m" },
		func(q *trafficpolicy.RateLimitQuery) { q.Rate = time.Hour }, func(q *trafficpolicy.RateLimitQuery) { q.Bucket = `["b"]` },
		func(q *trafficpolicy.RateLimitQuery) { q.Bucket = strings.Repeat("x", 1000) }, func(q *trafficpolicy.RateLimitQuery) { q.Bucket = "\xff" },
	} {
		other := q
		change(&other)
		if got := idOf(&other).serviceName(); got == name || len(got) > maxBucket || !strings.HasPrefix(got, other.EndpointID+"|") {
			t.Errorf("%q", got)
		}
	}
}
