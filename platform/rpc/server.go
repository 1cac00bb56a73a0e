// Package rpc builds every gRPC server and client of Sluice, so that errors,
// deadlines, validation, metrics, traces, health and the cluster key cannot be
// forgotten in one of them.
package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"sluice.dev/platform/telemetry"
)

// MaxMessageSize bounds one gRPC message in bytes.
const MaxMessageSize = 64 << 20

// drain is how long a stopping server waits for calls to end by themselves.
const drain = 5 * time.Second

// ServerConfig says where a gRPC server listens and who may call it.
type ServerConfig struct {
	Listen string `help:"gRPC address: host:port, or unix:///path." env:"SLUICE_GRPC_LISTEN"`
	ClusterKey
	// OwnAuth says that the services registered here check who calls (API keys),
	// so that no cluster key is needed to listen beyond loopback.
	OwnAuth bool `kong:"-"`
}

// Server is a gRPC server. Register services, then Bind, then Run.
type Server struct {
	cfg      ServerConfig
	log      *slog.Logger
	grpc     *grpc.Server
	health   *health.Server
	listener net.Listener
}

// NewServer returns a server with the given telemetry; opts come on top of the
// ones that all servers have.
func NewServer(cfg ServerConfig, tel *telemetry.T, opts ...grpc.ServerOption) (*Server, error) {
	key, err := cfg.Key()
	if err != nil {
		return nil, err
	}
	if key == "" && !cfg.OwnAuth && !IsLocal(cfg.Listen) {
		return nil, fmt.Errorf("gRPC listens on %s, which other machines may reach, without a cluster key: set --cluster-key-file, or listen on loopback", cfg.Listen)
	}
	chain, err := newInterceptors(key, tel)
	if err != nil {
		return nil, err
	}
	all := append([]grpc.ServerOption{
		grpc.MaxRecvMsgSize(MaxMessageSize),
		grpc.MaxSendMsgSize(MaxMessageSize),
		grpc.StatsHandler(otelgrpc.NewServerHandler(otelgrpc.WithTracerProvider(tel.Tracer), otelgrpc.WithPropagators(telemetry.Propagator()))),
		grpc.ChainUnaryInterceptor(chain.unary),
		grpc.ChainStreamInterceptor(chain.stream),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}, opts...)
	s := &Server{cfg: cfg, log: tel.Log, grpc: grpc.NewServer(all...), health: health.NewServer()}
	healthv1.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	return s, nil
}

// RegisterService adds a service; it makes Server a grpc.ServiceRegistrar.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	s.grpc.RegisterService(desc, impl)
	s.health.SetServingStatus(desc.ServiceName, healthv1.HealthCheckResponse_SERVING)
}

// Bind opens the listener, so that callers may dial before Run.
func (s *Server) Bind() error {
	network, address := splitListen(s.cfg.Listen)
	l, err := net.Listen(network, address)
	if err != nil {
		return fmt.Errorf("listen for gRPC on %s: %w", s.cfg.Listen, err)
	}
	s.listener = l
	return nil
}

// Target is what Dial takes to reach this server; valid after Bind.
func (s *Server) Target() string {
	if s.listener.Addr().Network() == "unix" {
		return "unix://" + s.listener.Addr().String()
	}
	return s.listener.Addr().String()
}

// SetReady sets the health of the whole server.
func (s *Server) SetReady(ready bool) {
	state := healthv1.HealthCheckResponse_NOT_SERVING
	if ready {
		state = healthv1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", state)
}

// Run serves until ctx ends, then says NOT_SERVING, lets calls end and stops.
func (s *Server) Run(ctx context.Context) error {
	if s.listener == nil {
		if err := s.Bind(); err != nil {
			return err
		}
	}
	failed := make(chan error, 1)
	go func() { failed <- s.grpc.Serve(s.listener) }()
	s.log.Info("gRPC is served", "address", s.Target())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.health.Shutdown()
	hard := time.AfterFunc(drain, s.grpc.Stop)
	defer hard.Stop()
	s.grpc.GracefulStop()
	if err := <-failed; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

// IsLocal reports whether only this machine can reach a listener on address.
func IsLocal(address string) bool {
	network, address := splitListen(address)
	if network == "unix" {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func splitListen(listen string) (network, address string) {
	if path, ok := strings.CutPrefix(listen, "unix://"); ok {
		return "unix", path
	}
	return "tcp", listen
}
