// Package capture is the service that keeps exchanges: it takes them from
// proxies, stores them in ClickHouse, and finds, follows and counts them.
//
// It decides nothing about what is captured or redacted; proxies have done that.
package capture

import (
	"context"
	"fmt"
	"time"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/lifecycle"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/heads"
	"sluice.dev/services/capture/internal/ingest"
	"sluice.dev/services/capture/internal/routes"
	"sluice.dev/services/capture/internal/views"
)

const (
	// drain is how long each part may take to stop.
	drain = 8 * time.Second
	// farewell is how long ingest streams go on when the service stops, so that
	// what was sent can be acknowledged.
	farewell = 3 * time.Second
)

// Service is a capture process.
type Service struct {
	cfg    Config
	tel    *telemetry.T
	redis  *redisdb.DB
	server *rpc.Server
	board  *heads.Board
	api    *api
	routes *routes.Templates
	parts  *metrics
}

// New sets the service up and opens its listener. ClickHouse and Redis may be
// away: Run waits for them.
func New(_ context.Context, cfg Config, tel *telemetry.T) (*Service, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	db, err := redisdb.Open(cfg.Redis)
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, tel: tel, redis: db, board: heads.NewBoard(db, tel.Log), api: newAPI(tel.Log), parts: newMetrics(tel.Registry)}
	s.routes = routes.New(db, tel.Log, tel.Registry)
	if s.server, err = rpc.NewServer(cfg.GRPC, tel); err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	s.server.SetReady(false)
	capturev1.RegisterIngestServiceServer(s.server, ingestAPI{api: s.api})
	capturev1.RegisterCaptureServiceServer(s.server, captureAPI{api: s.api})
	capturev1.RegisterRouteServiceServer(s.server, routeAPI{api: s.api, rules: routes.NewRules(db)})
	capturev1.RegisterViewServiceServer(s.server, viewAPI{views: views.New(db)})
	if err := s.server.Bind(); err != nil {
		return nil, err
	}
	if s.cfg.Writer == "" {
		s.cfg.Writer = writerName(s.server.Target())
	}
	return s, nil
}

// Target is the gRPC target of the service.
func (s *Service) Target() string { return s.server.Target() }

// Ready is nil when exchanges can be stored and found.
func (s *Service) Ready() error {
	b := s.api.backend.Load()
	if b == nil {
		return errs.Unavailable("capture waits for ClickHouse and Redis")
	}
	return b.ready()
}

// Run serves until ctx ends. Streams are told first, and what proxies sent is
// stored and acknowledged before the connections to ClickHouse close.
func (s *Service) Run(ctx context.Context) error {
	defer s.redis.Close()
	ended, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(farewell, cancel)
		context.AfterFunc(ended, func() { timer.Stop() })
	})
	defer stop()
	s.api.stop = ingest.Stop{Begun: ctx.Done(), Ends: ended.Done()}
	return lifecycle.Run(ctx, drain, s.board, s.routes, lifecycle.Func(s.serveBackend), s.server)
}

// serveBackend opens ClickHouse and claims the log, as often as it takes, and
// then stores and serves until ctx ends.
func (s *Service) serveBackend(ctx context.Context) error {
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
		b, err := openBackend(ctx, s)
		if err == nil {
			return s.serve(ctx, b)
		}
		if ctx.Err() != nil {
			return nil
		}
		s.tel.Log.Warn("capture is not ready; it tries again", "error", err, "in", delay)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(delay):
		}
	}
}

func (s *Service) serve(ctx context.Context, b *backend) error {
	s.api.backend.Store(b)
	s.server.SetReady(true)
	s.tel.Log.Info("exchanges are stored", "writer", s.cfg.Writer, "retention", s.cfg.Retention)
	defer b.close()
	defer s.api.backend.Store(nil)
	return b.run(ctx)
}
