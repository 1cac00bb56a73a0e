package distribution

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
)

// heartbeat is how often a silent stream says that it lives. The API promises 10
// seconds; a little less leaves room for the network.
const heartbeat = 8 * time.Second

// Service is policyv1.DistributionServiceServer.
type Service struct {
	policyv1.UnimplementedDistributionServiceServer
	hub      *Hub
	closing  <-chan struct{}
	watchers prometheus.Gauge
}

// NewService returns the service over a hub. Its streams end when closing is closed.
func NewService(hub *Hub, closing <-chan struct{}, reg prometheus.Registerer) (*Service, error) {
	s := &Service{hub: hub, closing: closing, watchers: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sluice_policy_watchers", Help: "Proxies that watch the configuration here.",
	})}
	for _, c := range []prometheus.Collector{s.watchers,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sluice_policy_revision", Help: "Revision of the configuration that is handed out.",
		}, func() float64 { revision, _ := hub.state.counts(); return float64(revision) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sluice_policy_endpoints", Help: "Endpoints in the configuration.",
		}, func() float64 { _, n := hub.state.counts(); return float64(n) }),
	} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// GetReplayKey implements policyv1.DistributionServiceServer.
func (s *Service) GetReplayKey(ctx context.Context, _ *policyv1.GetReplayKeyRequest) (*policyv1.GetReplayKeyResponse, error) {
	key, err := s.hub.store.ReplayKey(ctx)
	if err != nil {
		return nil, err
	}
	return &policyv1.GetReplayKeyResponse{ReplayKey: key}, nil
}

// Watch implements policyv1.DistributionServiceServer.
func (s *Service) Watch(req *policyv1.WatchRequest, stream policyv1.DistributionService_WatchServer) error {
	ctx := stream.Context()
	s.watchers.Inc()
	defer s.watchers.Dec()
	s.hub.log.InfoContext(ctx, "a proxy watches the configuration", "proxy", req.GetProxyId())
	defer func() { s.hub.log.InfoContext(ctx, "a proxy stopped watching", "proxy", req.GetProxyId()) }()

	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	var at position
	for {
		updates, now, changed := s.hub.state.since(at)
		for _, u := range updates {
			if err := stream.Send(u); err != nil {
				return err
			}
		}
		at = now
		if len(updates) > 0 {
			ticker.Reset(heartbeat)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing:
			return errs.Unavailable("the policy service is stopping; watch another or try again")
		case <-changed:
		case <-ticker.C:
			if err := s.beat(stream); err != nil {
				return err
			}
		}
	}
}

func (s *Service) beat(stream policyv1.DistributionService_WatchServer) error {
	revision, _ := s.hub.state.counts()
	return stream.Send(&policyv1.WatchResponse{Update: &policyv1.WatchResponse_HeartbeatRevision{HeartbeatRevision: revision}})
}
