// Package replay is the service that sends recorded requests again, through the
// proxy, as a client would: today's policy applies, and the new exchange is
// linked to the old one.
package replay

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
	replayv1 "sluice.dev/proto/gen/sluice/replay/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/lifecycle"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"

	"sluice.dev/services/replay/internal/diff"
	"sluice.dev/services/replay/internal/edit"
	"sluice.dev/services/replay/internal/send"
)

const (
	// drain is how long running replays may take when the service stops.
	drain = 10 * time.Second
	// limit bounds one replay.
	limit = 30 * time.Second
)

// Service is a replay process. It keeps no state but the key with which replays
// are signed.
type Service struct {
	replayv1.UnimplementedReplayServiceServer
	server          *rpc.Server
	sender          send.Sender
	policy, capture *grpc.ClientConn
	metrics         *metrics
	mu              sync.Mutex
	key             []byte
}

// New opens the listener and prepares the connections; the services behind them
// need not be there yet.
func New(_ context.Context, cfg Config, tel *telemetry.T) (*Service, error) {
	cfg = cfg.withDefaults()
	s := &Service{
		sender:  send.Sender{HTTP: cfg.ProxyHTTP, HTTPS: cfg.ProxyHTTPS, TLS: send.TLS{CAFile: cfg.ProxyCA, SkipVerify: cfg.ProxySkipVerify}},
		metrics: newMetrics(tel.Registry),
	}
	var err error
	if s.server, err = rpc.NewServer(cfg.GRPC, tel); err != nil {
		return nil, err
	}
	client := rpc.ClientConfig{ClusterKey: cfg.GRPC.ClusterKey}
	if s.policy, err = rpc.Dial(cfg.PolicyTarget, client, tel); err != nil {
		return nil, err
	}
	if s.capture, err = rpc.Dial(cfg.CaptureTarget, client, tel); err != nil {
		return nil, err
	}
	replayv1.RegisterReplayServiceServer(s.server, s)
	return s, s.server.Bind()
}

// Target is what rpc.Dial takes.
func (s *Service) Target() string { return s.server.Target() }

// Ready is nil when policy and capture are connected.
func (s *Service) Ready() error {
	for name, conn := range map[string]*grpc.ClientConn{"policy": s.policy, "capture": s.capture} {
		if state := conn.GetState(); state != connectivity.Ready {
			conn.Connect()
			return errs.Unavailable("the %s service at %s is not connected (%s)", name, conn.Target(), state)
		}
	}
	return nil
}

// Run serves until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	defer func() { _, _ = s.policy.Close(), s.capture.Close() }() // nothing is in flight any more
	s.server.SetReady(true)
	return lifecycle.Run(ctx, drain, s.server)
}

// ReplayExchange implements replayv1.ReplayServiceServer.
func (s *Service) ReplayExchange(ctx context.Context, c *replayv1.ReplayExchangeRequest) (*replayv1.ReplayExchangeResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	recorded, err := s.recorded(ctx, c)
	if err != nil {
		return nil, err
	}
	req, err := edit.Apply(recorded, c)
	if err != nil {
		return nil, err
	}
	key, err := s.replayKey(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := s.sender.Send(ctx, req, c.GetId(), key)
	s.metrics.sent(err)
	if err != nil {
		return nil, err
	}
	return &replayv1.ReplayExchangeResponse{
		ExchangeId: answer.ExchangeID, StatusCode: uint32(answer.Status), Duration: durationpb.New(answer.Duration),
		OmittedHeaders: req.Omitted, Differences: diff.Differences(recorded, answer),
	}, nil
}

// replayKey asks the policy service once: the key never changes.
func (s *Service) replayKey(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil {
		return s.key, nil
	}
	res, err := policyv1.NewDistributionServiceClient(s.policy).GetReplayKey(ctx, &policyv1.GetReplayKeyRequest{})
	if err != nil {
		return nil, err
	}
	s.key = res.GetReplayKey()
	return s.key, nil
}
