// Package events is the service that tells the world what happened: it exports
// exchanges as events to destinations, asks monitors' questions of the traffic
// and notifies people, keeps dashboards, and lists the audit log. It stores no
// exchanges; it reads them from capture.
package events

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/lifecycle"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/sealed"
	"sluice.dev/platform/telemetry"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/api"
	"sluice.dev/services/events/internal/config"
	"sluice.dev/services/events/internal/delivery"
	"sluice.dev/services/events/internal/egress"
	"sluice.dev/services/events/internal/monitor"
	"sluice.dev/services/events/internal/notify"
	"sluice.dev/services/events/internal/outbox"
)

// drain is how long each part may take to stop.
const drain = 10 * time.Second

// Service is the events service.
type Service struct {
	tel      *telemetry.T
	db       *redisdb.DB
	capture  *grpc.ClientConn
	client   *egress.Client
	server   *rpc.Server
	delivery *delivery.Manager
	monitors *monitor.Evaluator
	ready    atomic.Bool
}

// New prepares the service and opens its listener. It needs neither Redis nor
// capture to be there yet.
func New(_ context.Context, cfg Config, tel *telemetry.T) (_ *Service, err error) {
	cfg = cfg.withDefaults()
	networks, err := egress.ParseNetworks(cfg.EgressNetworks)
	if err != nil {
		return nil, fmt.Errorf("egress networks: %w", err)
	}
	s := &Service{tel: tel, client: egress.NewClient(networks)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.db, err = redisdb.Open(cfg.Redis); err != nil {
		return nil, err
	}
	if s.capture, err = rpc.Dial(cfg.CaptureTarget, rpc.ClientConfig{ClusterKey: cfg.GRPC.ClusterKey}, tel); err != nil {
		return nil, fmt.Errorf("dial capture: %w", err)
	}
	if s.server, err = rpc.NewServer(cfg.GRPC, tel); err != nil {
		return nil, err
	}
	keys, err := cfg.Secrets.Open()
	if err != nil {
		return nil, err
	}
	if keys == nil {
		tel.Log.Warn("secrets of destinations and channels are stored in clear: no key file is configured (--secrets-key-file)")
	}
	s.build(cfg, keys)
	return s, s.server.Bind()
}

// build puts the parts together.
func (s *Service) build(cfg Config, keys *sealed.Ring) {
	store, progress := config.Open(s.db, keys), delivery.NewProgress(s.db)
	capture := capturev1.NewCaptureServiceClient(s.capture)
	s.delivery = delivery.NewManager(s.db, store, capture, s.client, cfg.AccountID, s.tel.Log, s.tel.Registry)
	eventsv1.RegisterDestinationServiceServer(s.server, api.NewDestinations(store, progress, s.client))
	eventsv1.RegisterSubscriptionServiceServer(s.server, api.NewSubscriptions(store, progress, s.delivery))

	box := outbox.NewStore(s.db)
	states, composer, sender := monitor.NewStore(s.db, box), monitor.Composer{ConsoleURL: cfg.ConsoleURL}, notify.NewSender(s.client)
	s.monitors = monitor.NewEvaluator(monitor.Config{
		DB: s.db, Monitors: store.Monitors, Channels: store, Capture: capture, Store: states, Composer: composer, Delay: cfg.EvaluationDelay,
		Outbox: outbox.NewSender(box, store, sender, s.tel.Log, s.tel.Registry), Log: s.tel.Log, Metrics: s.tel.Registry,
	})
	eventsv1.RegisterMonitorServiceServer(s.server, api.NewMonitors(store, states, box, composer, sender))
	eventsv1.RegisterChannelServiceServer(s.server, api.NewChannels(store, sender, cfg.ConsoleURL))
	eventsv1.RegisterDashboardServiceServer(s.server, api.NewDashboards(store))
	eventsv1.RegisterSealingServiceServer(s.server, api.NewSealing(store))
	eventsv1.RegisterAuditServiceServer(s.server, api.NewAudit(store.Audit))
}

// Target is what gRPC clients dial.
func (s *Service) Target() string { return s.server.Target() }

// Run serves until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	defer s.close()
	return lifecycle.Run(ctx, drain, s.server, lifecycle.Func(s.work))
}

// work waits for Redis and then does what is configured.
func (s *Service) work(ctx context.Context) error {
	for s.db.WaitReady(ctx) != nil {
		if ctx.Err() != nil {
			return nil
		}
	}
	s.ready.Store(true)
	s.server.SetReady(true)
	defer s.ready.Store(false)
	return lifecycle.Run(ctx, drain, s.delivery, s.monitors)
}

// Ready says why the service cannot serve, or nil.
func (s *Service) Ready() error {
	if !s.ready.Load() {
		return errs.Unavailable("events waits for Redis")
	}
	return nil
}

func (s *Service) close() {
	if s.capture != nil {
		_ = s.capture.Close() // it only ever fails when it is closed already
	}
	if s.db != nil {
		_ = s.db.Close()
	}
	s.client.Close()
}
