// Package gateway is the front of Sluice for people and programs: the REST API,
// the gRPC API, the web console, and the keys that open them. It keeps no state
// and decides nothing but who may call: the services behind it do the work.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/gateway/internal/auth"
	"sluice.dev/gateway/internal/relay"
	"sluice.dev/gateway/internal/rest"
	"sluice.dev/platform/errs"
	"sluice.dev/platform/lifecycle"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
)

// drain is how long a stopping listener waits for its calls to end.
const drain = 5 * time.Second

// Service is a running gateway.
type Service struct {
	tel      *telemetry.T
	conns    map[protoreflect.FullName]*grpc.ClientConn
	keys     *auth.Keys
	listener net.Listener
	http     *http.Server
	grpc     *rpc.Server
	closing  chan struct{}
	// mustHaveKeys is set when a listener needs keys and no bootstrap key exists.
	mustHaveKeys bool
}

// New binds both listeners and prepares the connections to the services, which
// need not be there yet. It refuses to listen beyond loopback without keys.
func New(ctx context.Context, cfg Config, tel *telemetry.T) (*Service, error) {
	httpKeys, err := cfg.requires(cfg.Listen)
	if err != nil {
		return nil, err
	}
	grpcKeys, err := cfg.requires(cfg.GRPCListen)
	if err != nil {
		return nil, err
	}
	bootstrap, err := auth.ReadBootstrap(cfg.BootstrapKeyFile)
	if err != nil {
		return nil, err
	}
	s := &Service{tel: tel, closing: make(chan struct{}), mustHaveKeys: (httpKeys || grpcKeys) && bootstrap == ""}
	if err := s.dial(cfg); err != nil {
		return nil, errors.Join(err, s.hangUp())
	}
	s.keys = auth.NewKeys(policyv1.NewApiKeyServiceClient(s.conns["sluice.policy.v1"]), bootstrap)
	if err := s.bind(ctx, cfg, httpKeys, grpcKeys); err != nil {
		return nil, errors.Join(err, s.hangUp())
	}
	return s, nil
}

func (s *Service) bind(ctx context.Context, cfg Config, httpKeys, grpcKeys bool) error {
	var err error
	calls := relay.New(auth.Gate{Keys: s.keys, Required: grpcKeys}, s.conns)
	if s.grpc, err = rpc.NewServer(rpc.ServerConfig{Listen: cfg.GRPCListen, OwnAuth: grpcKeys}, s.tel, calls.Codec()); err != nil {
		return err
	}
	calls.Register(s.grpc)
	if s.http, err = s.httpServer(ctx, cfg, httpKeys); err != nil {
		return err
	}
	if s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen); err != nil {
		return fmt.Errorf("listen for the API and the console on %s: %w", cfg.Listen, err)
	}
	if err := s.grpc.Bind(); err != nil {
		return errors.Join(err, s.listener.Close())
	}
	return nil
}

// dial prepares one connection for each service.
func (s *Service) dial(cfg Config) error {
	s.conns = map[protoreflect.FullName]*grpc.ClientConn{}
	for pkg, target := range map[protoreflect.FullName]string{
		"sluice.policy.v1": cfg.PolicyTarget, "sluice.capture.v1": cfg.CaptureTarget,
		"sluice.replay.v1": cfg.ReplayTarget, "sluice.events.v1": cfg.EventsTarget,
	} {
		conn, err := rpc.Dial(target, cfg.ClientConfig, s.tel)
		if err != nil {
			return fmt.Errorf("connect to %s at %s: %w", pkg, target, err)
		}
		s.conns[pkg] = conn
	}
	return nil
}

func (s *Service) hangUp() error {
	var all []error
	for _, c := range s.conns {
		all = append(all, c.Close())
	}
	return errors.Join(all...)
}

func (s *Service) backends() rest.Backends {
	return rest.Backends{
		Policy: s.conns["sluice.policy.v1"], Capture: s.conns["sluice.capture.v1"],
		Replay: s.conns["sluice.replay.v1"], Events: s.conns["sluice.events.v1"],
	}
}

// URL is where the API and the console are, such as http://127.0.0.1:4040.
func (s *Service) URL() string { return "http://" + s.listener.Addr().String() }

// Target is the gRPC API's address for rpc.Dial.
func (s *Service) Target() string { return s.grpc.Target() }

// Ready tells whether callers can be served: the policy service, which knows the
// keys, must be connected. Without one of the others only its calls fail.
func (s *Service) Ready() error {
	conn := s.conns["sluice.policy.v1"]
	if state := conn.GetState(); state != connectivity.Ready {
		conn.Connect()
		return errs.Unavailable("the policy service at %s is not connected (%s)", conn.Target(), state)
	}
	return nil
}

// Run serves until ctx ends. It ends with an error when callers need keys but no
// key exists that could make the first one.
func (s *Service) Run(ctx context.Context) error {
	for _, c := range s.conns {
		c.Connect()
	}
	s.grpc.SetReady(true)
	s.tel.Log.Info("the API and the console are served", "url", s.URL())
	err := lifecycle.Run(ctx, 2*drain, lifecycle.Func(s.checkKeys), lifecycle.Func(s.grpc.Run), lifecycle.Func(s.serveHTTP))
	return errors.Join(err, s.hangUp())
}

// checkKeys waits for the policy service and makes sure that somebody can log in.
func (s *Service) checkKeys(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for s.mustHaveKeys {
		exists, err := s.keys.AdminExists(ctx)
		switch {
		case err == nil && !exists:
			return errors.New("the gateway takes calls with API keys only, but no key with scope admin exists and no bootstrap key is set: set --bootstrap-key-file, or make a key on a gateway that listens on loopback")
		case err == nil:
			<-ctx.Done()
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	<-ctx.Done()
	return nil
}
