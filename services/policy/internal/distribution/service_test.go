package distribution

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// stream is the server's side of a Watch.
type stream struct {
	grpc.ServerStream
	ctx  context.Context
	sent chan *policyv1.WatchResponse
}

func (s stream) Context() context.Context { return s.ctx }

func (s stream) Send(m *policyv1.WatchResponse) error {
	s.sent <- m
	return nil
}

// A silent stream says that it lives within the promised 10 seconds.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := &Hub{log: slog.New(slog.DiscardHandler), state: loaded(7)}
		service, err := NewService(hub, nil, prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		s := stream{ctx: ctx, sent: make(chan *policyv1.WatchResponse)}
		done := make(chan error, 1)
		go func() { done <- service.Watch(&policyv1.WatchRequest{ProxyId: "px_1"}, s) }()

		if m := <-s.sent; m.GetSnapshot().GetRevision() != 7 {
			t.Errorf("first came %v", m)
		}
		hub.state.advance(9)
		for range 3 {
			before := time.Now()
			if m := <-s.sent; m.GetHeartbeatRevision() != 9 || time.Since(before) > 10*time.Second {
				t.Errorf("after %v came %v", time.Since(before), m)
			}
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch returned %v", err)
		}
	})
}
