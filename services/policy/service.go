// Package policy is the control plane: endpoints with their Traffic Policies,
// vaults of secrets, capture settings, API keys, the feed of all these to the proxies, and the rate
// limit counters. Its state is in Redis; any number of policy services can share it.
package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/lifecycle"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
	"sluice.dev/services/policy/internal/apikey"
	"sluice.dev/services/policy/internal/distribution"
	"sluice.dev/services/policy/internal/endpoint"
	"sluice.dev/services/policy/internal/ratelimit"
	"sluice.dev/services/policy/internal/settings"
	"sluice.dev/services/policy/internal/store"
	"sluice.dev/services/policy/internal/validation"
	"sluice.dev/services/policy/internal/vault"
)

// drain bounds how long a part may take to stop; the gRPC server needs up to 5 s.
const drain = 6 * time.Second

// Service is the policy service.
type Service struct {
	db      *redisdb.DB
	server  *rpc.Server
	hub     *distribution.Hub
	limiter *ratelimit.Limiter
	buckets *ratelimit.Index
	closing chan struct{} // closed to end streams
}

// New sets the service up and opens its listener. It does not wait for Redis.
func New(_ context.Context, cfg Config, tel *telemetry.T) (*Service, error) {
	cfg.GRPC.Listen = cmp.Or(cfg.GRPC.Listen, DefaultListen)
	db, err := redisdb.Open(cfg.Redis)
	if err != nil {
		return nil, err
	}
	s := &Service{db: db, closing: make(chan struct{})}
	if err := s.build(cfg, tel); err != nil {
		return nil, errors.Join(fmt.Errorf("set up the policy service: %w", err), db.Close())
	}
	return s, nil
}

func (s *Service) build(cfg Config, tel *telemetry.T) error {
	var err error
	if s.server, err = rpc.NewServer(cfg.GRPC, tel); err != nil {
		return err
	}
	secretKeys, err := cfg.Secrets.Open()
	if err != nil {
		return err
	}
	if secretKeys == nil {
		tel.Log.Warn("vaults cannot hold secrets: no key file is configured (--secrets-key-file)")
	}
	documents := store.New(s.db, secretKeys, endpoint.Audited)
	keys := apikey.NewService(documents.APIKeys, clock.System{})
	s.hub = distribution.NewHub(documents, tel.Log, keys.Changed)
	watch, err := distribution.NewService(s.hub, s.closing, tel.Registry)
	if err != nil {
		return err
	}
	metrics, err := ratelimit.NewMetrics(tel.Registry)
	if err != nil {
		return err
	}
	s.buckets = ratelimit.NewIndex(s.db, tel.Log)
	s.limiter = ratelimit.NewLimiter(s.db, s.buckets, metrics, tel.Log)

	policies := validation.NewService(documents)
	policyv1.RegisterEndpointServiceServer(s.server, endpoint.NewService(documents.Endpoints, policies))
	policyv1.RegisterTrafficPolicyServiceServer(s.server, policies)
	policyv1.RegisterVaultServiceServer(s.server, vault.NewService(documents.Vaults, documents.Secrets))
	policyv1.RegisterSettingsServiceServer(s.server, settings.NewService(documents.Settings))
	policyv1.RegisterApiKeyServiceServer(s.server, keys)
	policyv1.RegisterDistributionServiceServer(s.server, watch)
	policyv1.RegisterRateLimitServiceServer(s.server, ratelimit.NewService(s.limiter, s.closing))
	policyv1.RegisterRateLimitBucketServiceServer(s.server, ratelimit.NewBuckets(s.buckets, documents.EndpointIDs))
	return s.server.Bind()
}

// Target is what rpc.Dial takes to reach the service.
func (s *Service) Target() string { return s.server.Target() }

// Ready is nil while the configuration is loaded and followed.
func (s *Service) Ready() error { return s.hub.Ready() }

// Run serves until ctx ends, once.
func (s *Service) Run(ctx context.Context) error {
	err := lifecycle.Run(ctx, drain, s.hub, s.limiter, s.buckets, lifecycle.Func(s.announce), s.server, lifecycle.Func(s.endStreams))
	return errors.Join(err, s.db.Close())
}

// announce keeps the gRPC health of the server as Ready has it.
func (s *Service) announce(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		s.server.SetReady(s.Ready() == nil)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// endStreams is the first part to stop: it ends the streams that clients keep
// open for ever, so that the server does not wait for them.
func (s *Service) endStreams(ctx context.Context) error {
	<-ctx.Done()
	close(s.closing)
	return nil
}
