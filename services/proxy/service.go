// Package proxy is Sluice's data plane: it takes requests on the published URLs,
// runs their Traffic Policies, calls the upstreams, and records every exchange.
//
// It decides what to serve by what the policy service tells it and serves the
// last good configuration without it. It keeps nothing but that configuration and
// a spool of records that wait for the capture service.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
	proxyv1 "sluice.dev/proto/gen/sluice/proxy/v1"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/lifecycle"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/outbound"
	"sluice.dev/services/proxy/internal/certs"
	"sluice.dev/services/proxy/internal/control"
	"sluice.dev/services/proxy/internal/front"
	"sluice.dev/services/proxy/internal/http1/transport"
	"sluice.dev/services/proxy/internal/ipdata"
	"sluice.dev/services/proxy/internal/keyset"
	"sluice.dev/services/proxy/internal/limit"
	"sluice.dev/services/proxy/internal/pipeline"
	"sluice.dev/services/proxy/internal/secure"
	"sluice.dev/services/proxy/internal/ship"
	"sluice.dev/services/proxy/internal/tap"
	"sluice.dev/services/proxy/internal/upstream"
)

// Service is one proxy.
type Service struct {
	cfg    Config
	log    *slog.Logger
	http   *front.Server // nil when off
	https  *front.Server // nil when off
	certs  *certs.Store  // nil when HTTPS is off
	secure *secure.Settings
	ipData *ipdata.Source // nil without any
	grpc   *rpc.Server
	conns  []*grpc.ClientConn

	store    *control.Store
	watcher  *control.Watcher
	limiter  *limit.Limiter
	pool     *upstream.Pool
	keys     *keyset.Fetcher
	outbound *outbound.Client
	gateway  *pipeline.Gateway
	ledger   *tap.Ledger
	recorder *tap.Tap
	shipper  *ship.Shipper
	draining atomic.Bool
}

// New prepares a proxy and binds its listeners. The last good configuration is
// loaded, but requests are taken only by Run.
func New(ctx context.Context, cfg Config, tel *telemetry.T) (*Service, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("proxy configuration: %w", err)
	}
	s := &Service{cfg: cfg, log: tel.Log.With("proxy_id", cfg.ProxyID), ledger: &tap.Ledger{}}
	steps := []func(context.Context, *telemetry.T) error{s.openControl, s.openCapture, s.openData, s.openStatus}
	for _, step := range steps {
		if err := step(ctx, tel); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// openControl prepares what is served and who is asked about limits.
func (s *Service) openControl(_ context.Context, tel *telemetry.T) error {
	if err := os.MkdirAll(s.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	keys, err := s.cfg.Secrets.Open()
	if err != nil {
		return err
	}
	conn, err := s.dial(s.cfg.PolicyTarget, tel)
	if err != nil {
		return err
	}
	s.recorder = tap.New(s.cfg.ProxyID, tap.Limits{Exchanges: s.cfg.QueueExchanges, Bytes: s.cfg.QueueBytes}, s.ledger)
	s.pool = upstream.NewPool(upstream.Config{
		Timeouts:    transport.Timeouts{Connect: s.cfg.ConnectTimeout, FirstByte: s.cfg.ResponseTimeout},
		IdleTimeout: s.cfg.IdleTimeout, HeadLimit: int64(s.cfg.HeadLimit),
	}, tel.Registry, s.log)
	s.store = control.NewStore(func(st *control.State) {
		s.configure(st)
		s.pool.Configure(st.Upstreams())
	}, tel.Registry, s.log)
	s.watcher = control.NewWatcher(s.store, conn, s.cfg.ProxyID, filepath.Join(s.cfg.DataDir, "snapshot.pb"), keys, tel.Registry, s.log)
	s.limiter = limit.New(policyv1.NewRateLimitServiceClient(conn), s.cfg.RateLimitTimeout, clock.System{}, tel.Registry, s.log)
	return nil
}

// configure puts in force what is recorded.
func (s *Service) configure(st *control.State) {
	if err := s.recorder.Configure(st.Capture, st.ReplayKey); err != nil {
		s.log.Error("redaction rules cannot be used by this proxy; all others are in force", "error", err)
	}
}

// openCapture prepares the way of the records.
func (s *Service) openCapture(_ context.Context, tel *telemetry.T) error {
	conn, err := s.dial(s.cfg.CaptureTarget, tel)
	if err != nil {
		return err
	}
	spools, err := openSpools(s.cfg.SpoolDir, s.cfg.SpoolMaxBytes)
	if err != nil {
		return err
	}
	for _, sp := range spools {
		if st := sp.Stats(); st.Items > 0 || st.Damaged > 0 {
			s.log.Info("an earlier run left records in the spool", "exchanges", st.Items, "bytes", st.Bytes, "damaged_bytes", st.Damaged)
		}
	}
	s.shipper = ship.New(s.recorder, s.ledger, spools, s.cfg.ProxyID, capturev1.NewIngestServiceClient(conn), s.log)
	tel.Registry.MustRegister(newAccounting(s.ledger, s.shipper.Bytes))
	return nil
}

// openData prepares the way of the requests and binds its listeners.
func (s *Service) openData(_ context.Context, tel *telemetry.T) error {
	trusted, err := networks("trusted-proxies", s.cfg.TrustedProxies)
	if err != nil {
		return err
	}
	services, err := s.policyServices()
	if err != nil {
		return err
	}
	var tracer trace.Tracer
	if tel.Tracing() {
		tracer = tel.Tracer.Tracer("sluice.dev/services/proxy")
	}
	s.secure = secure.New(s.store, s.log)
	s.gateway = pipeline.New(pipeline.Config{TrustedProxies: trusted, DropForwarded: s.cfg.ForwardedReplace, TLS: s.secure, Tracer: tracer},
		s.store, s.pool, s.recorder, services, tel.Registry, s.log)
	return s.openListeners(tel)
}

// policyServices are what policies use of this proxy, and the ways that they have
// out of it.
func (s *Service) policyServices() (trafficpolicy.Services, error) {
	allowed, err := networks("policy-egress-networks", s.cfg.PolicyEgressNetworks)
	if err != nil {
		return trafficpolicy.Services{}, err
	}
	guard := outbound.NewGuard(allowed...)
	s.keys, s.outbound = keyset.NewFetcher(guard), outbound.New(guard, nil) // the gateway itself answers for .internal
	out := trafficpolicy.Services{
		RateLimiter: s.limiter, KeySets: trafficpolicy.NewKeySets(s.keys, nil), HTTP: s.outbound, Breakers: trafficpolicy.NewBreakers(nil),
	}
	if data := (ipdata.Config{Databases: s.cfg.IPDatabases, Categories: s.cfg.IPCategories}); !data.Empty() {
		if s.ipData, err = ipdata.Open(data, s.log); err != nil {
			return out, err
		}
		out.IPData = s.ipData
		s.recorder.Locate(s.ipData)
	}
	return out, nil
}

func (s *Service) openStatus(_ context.Context, tel *telemetry.T) (err error) {
	if s.grpc, err = rpc.NewServer(s.cfg.GRPC, tel); err != nil {
		return err
	}
	proxyv1.RegisterProxyServiceServer(s.grpc, &status{proxyID: s.cfg.ProxyID, started: time.Now(), store: s.store, watcher: s.watcher, gateway: s.gateway})
	return s.grpc.Bind()
}

func (s *Service) dial(target string, tel *telemetry.T) (*grpc.ClientConn, error) {
	conn, err := rpc.Dial(target, rpc.ClientConfig{ClusterKey: s.cfg.GRPC.ClusterKey}, tel)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", target, err)
	}
	s.conns = append(s.conns, conn)
	return conn, nil
}

// Run serves until ctx ends. Then it takes no new requests, lets running ones end
// within the drain timeout, and hands all records to the capture service or the
// spool.
func (s *Service) Run(ctx context.Context) error {
	s.log.Info("requests are served", "http", s.HTTPAddress(), "https", s.HTTPSAddress())
	s.grpc.SetReady(true)
	defer context.AfterFunc(ctx, func() {
		s.draining.Store(true)
		s.grpc.SetReady(false)
	})()
	err := lifecycle.Run(ctx, s.cfg.DrainTimeout+10*time.Second, s.shipper, s.watcher, s.limiter, s.grpc, s.reloaders(), s.listeners())
	s.pool.Close()
	s.keys.Close()
	s.outbound.Close()
	for _, c := range s.conns {
		err = errors.Join(err, c.Close())
	}
	return err
}

// close frees what New opened before it failed.
func (s *Service) close() error {
	var errs []error
	if s.pool != nil {
		s.pool.Close()
	}
	for _, l := range s.listeners() {
		errs = append(errs, l.Close())
	}
	if s.shipper != nil {
		errs = append(errs, s.shipper.Close())
	}
	for _, c := range s.conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func (s *Service) listeners() listeners {
	var out listeners
	for _, l := range []*front.Server{s.http, s.https} {
		if l != nil {
			out = append(out, l)
		}
	}
	return out
}

// Target is the gRPC target of this proxy's status service.
func (s *Service) Target() string { return s.grpc.Target() }

// HTTPAddress is host:port of the plain HTTP listener; "" when it is off.
func (s *Service) HTTPAddress() string { return addressOf(s.http) }

// HTTPSAddress is host:port of the HTTPS listener; "" when it is off.
func (s *Service) HTTPSAddress() string { return addressOf(s.https) }

func addressOf(l *front.Server) string {
	if l == nil {
		return ""
	}
	return l.Address()
}

// CAFile is the path of the local CA's certificate, for clients to trust; "" when
// the operator gave certificates or HTTPS is off.
func (s *Service) CAFile() string {
	if s.certs == nil {
		return ""
	}
	return s.certs.AuthorityFile()
}

// Ready says why the proxy cannot serve; nil when it can, if only by the last
// good configuration.
func (s *Service) Ready() error {
	if s.draining.Load() {
		return errors.New("the proxy drains: it takes no new requests")
	}
	if s.store.State() == nil {
		return errors.New("no configuration yet: the policy service did not answer, and none was kept on disk")
	}
	return nil
}
