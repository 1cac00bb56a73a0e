package up

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"sluice.dev/gateway"
	"sluice.dev/services/capture"
	"sluice.dev/services/events"
	"sluice.dev/services/policy"
	"sluice.dev/services/proxy"
	"sluice.dev/services/replay"

	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/sealed"
	"sluice.dev/platform/telemetry"

	"sluice.dev/cmd/sluice/internal/serve"
)

// anyPort is for gRPC servers that only this process calls.
var anyPort = rpc.ServerConfig{Listen: "127.0.0.1:0"}

// addServices builds every service, in the order in which they are started.
func (s *system) addServices(ctx context.Context, at stores) error {
	say("starting services")
	redis := redisdb.Config{URL: at.redis}
	if s.flags.Secrets.SecretsKeyFile == "" {
		if err := sealed.Create(s.secretKeys().SecretsKeyFile); err != nil {
			return err
		}
	}
	pol, err := add(ctx, s, "policy", func(t *telemetry.T) (*policy.Service, error) {
		return policy.New(ctx, policy.Config{GRPC: anyPort, Redis: redis, Secrets: s.secretKeys()}, t)
	})
	if err != nil {
		return err
	}
	capt, err := add(ctx, s, "capture", func(t *telemetry.T) (*capture.Service, error) {
		return capture.New(ctx, capture.Config{GRPC: anyPort, Redis: redis, ClickHouse: at.clickhouse, Writer: "up"}, t)
	})
	if err != nil {
		return err
	}
	if _, err = add(ctx, s, "proxy", func(t *telemetry.T) (*proxy.Service, error) {
		return proxy.New(ctx, s.proxyConfig(pol.Target(), capt.Target()), t)
	}); err != nil {
		return err
	}
	rep, err := add(ctx, s, "replay", func(t *telemetry.T) (*replay.Service, error) {
		return replay.New(ctx, s.replayConfig(pol.Target(), capt.Target()), t)
	})
	if err != nil {
		return err
	}
	ev, err := add(ctx, s, "events", func(t *telemetry.T) (*events.Service, error) {
		return events.New(ctx, events.Config{
			GRPC: anyPort, Redis: redis, Secrets: s.secretKeys(), CaptureTarget: capt.Target(), ConsoleURL: "http://" + s.flags.Console,
		}, t)
	})
	if err != nil {
		return err
	}
	_, err = add(ctx, s, "gateway", func(t *telemetry.T) (*gateway.Service, error) {
		cfg, err := s.gatewayConfig()
		if err != nil {
			return nil, err
		}
		cfg.PolicyTarget, cfg.CaptureTarget, cfg.ReplayTarget, cfg.EventsTarget = pol.Target(), capt.Target(), rep.Target(), ev.Target()
		return gateway.New(ctx, cfg, t)
	})
	return err
}

// add builds one service and makes it a part of the system.
func add[S serve.Service](ctx context.Context, s *system, name string, build func(*telemetry.T) (S, error)) (S, error) {
	tel, err := s.telemetry(ctx, name)
	if err != nil {
		var none S
		return none, err
	}
	svc, err := build(tel)
	if err != nil {
		return svc, fmt.Errorf("%s: %w", name, err)
	}
	s.parts = append(s.parts, svc)
	s.ready[name] = svc.Ready
	return svc, nil
}

func (s *system) proxyDir() string { return filepath.Join(s.flags.Data, "proxy") }

func (s *system) caFile() string { return filepath.Join(s.proxyDir(), "ca.pem") }

// loopback is where the things are that a policy on a laptop calls.
var loopback = []string{"127.0.0.0/8", "::1/128"}

func (s *system) proxyConfig(policy, capture string) proxy.Config {
	return proxy.Config{
		HTTPListen: s.flags.HTTP, HTTPSListen: s.flags.HTTPS, DataDir: s.proxyDir(), GRPC: anyPort,
		PolicyTarget: policy, CaptureTarget: capture,
		PolicyEgressNetworks: loopback, Secrets: s.secretKeys(),
	}
}

// secretKeys is the key file that is given, or our own in the data directory.
func (s *system) secretKeys() sealed.Config {
	if s.flags.Secrets.SecretsKeyFile != "" {
		return s.flags.Secrets
	}
	return sealed.Config{SecretsKeyFile: filepath.Join(s.flags.Data, "secrets.key")}
}

func (s *system) replayConfig(policy, capture string) replay.Config {
	return replay.Config{
		GRPC: anyPort, PolicyTarget: policy, CaptureTarget: capture,
		ProxyHTTP: reachable(s.flags.HTTP), ProxyHTTPS: reachable(s.flags.HTTPS), ProxyCA: s.caFile(),
	}
}

func (s *system) gatewayConfig() (gateway.Config, error) {
	cfg := gateway.Config{Listen: s.flags.Console, GRPCListen: s.flags.GRPC, RequireKeys: &s.flags.RequireKeys}
	if !s.flags.RequireKeys {
		return cfg, nil
	}
	cfg.BootstrapKeyFile = s.bootstrapFile()
	return cfg, writeBootstrapKey(cfg.BootstrapKeyFile)
}

func (s *system) bootstrapFile() string { return filepath.Join(s.flags.Data, "bootstrap.key") }

// writeBootstrapKey makes the first admin's token, unless it exists.
func writeBootstrapKey(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the bootstrap key: %w", err)
	}
	_, err = fmt.Fprintln(f, "sk_"+rand.Text())
	return errors.Join(err, f.Close())
}

// reachable is the address under which this machine reaches a listener.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err == nil && (host == "" || host == "0.0.0.0" || host == "::") {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}

func port(address string) string {
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return p
}
