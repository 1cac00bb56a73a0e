// Package up runs all of Sluice in one process on embedded defaults: every
// service with its own gRPC server on loopback, Redis and ClickHouse as child
// processes unless their addresses are given.
package up

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/platform/clickhouse/embedded"
	"sluice.dev/platform/lifecycle"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/sealed"
	"sluice.dev/platform/telemetry"

	"sluice.dev/cmd/sluice/internal/serve"
)

// startLimit bounds the start of Redis and ClickHouse, which may have to read
// much data first.
const startLimit = 2 * time.Minute

// Flags of `sluice up`.
type Flags struct {
	LogLevel    slog.Level    `help:"Least severe log level: debug, info, warn or error." default:"warn" env:"SLUICE_LOG_LEVEL"`
	LogFormat   string        `help:"Log format: text or json." default:"text" enum:"text,json" env:"SLUICE_LOG_FORMAT"`
	OTLP        string        `help:"OTLP gRPC endpoint for traces, such as http://127.0.0.1:4317. Empty: no traces." name:"otlp-endpoint" env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	OTLPSample  float64       `help:"Percentage of the traces that begin here which are kept." default:"100" name:"otlp-sample" env:"SLUICE_OTLP_SAMPLE"`
	Data        string        `help:"Directory of all data." default:".sluice" type:"path" env:"SLUICE_DATA"`
	HTTP        string        `help:"Address on which the proxy answers HTTP." default:"127.0.0.1:8080" name:"http"`
	HTTPS       string        `help:"Address on which the proxy answers HTTPS." default:"127.0.0.1:8443" name:"https"`
	Console     string        `help:"Address of the web console and the REST API." default:"127.0.0.1:4040"`
	GRPC        string        `help:"Address of the gRPC API." default:"127.0.0.1:4041" name:"grpc"`
	Admin       string        `help:"Address of /metrics, /healthz and /readyz." default:"127.0.0.1:4042"`
	Redis       string        `help:"Redis URL instead of an own redis-server."`
	ClickHouse  string        `help:"ClickHouse DSN instead of the embedded engine." name:"clickhouse"`
	Secrets     sealed.Config `embed:""`
	RequireKeys bool          `help:"Take API calls with a key only. Required for addresses beyond loopback."`
}

// system is what runs.
type system struct {
	flags     Flags
	log       *slog.Logger
	parts     []lifecycle.Part // in the order of their start
	ready     map[string]func() error
	gatherers prometheus.Gatherers
}

// Run starts everything, says what runs where, and stops it in reverse when ctx
// ends.
func Run(ctx context.Context, flags Flags) error {
	s := &system{flags: flags, ready: map[string]func() error{}}
	if err := s.check(); err != nil {
		return err
	}
	unlock, err := lock(flags.Data)
	if err != nil {
		return err
	}
	defer unlock()
	tel, err := s.telemetry(ctx, "up")
	if err != nil {
		return err
	}
	tel.RegisterRuntime()
	s.log = tel.Log
	stores, err := s.startStores(ctx)
	if err != nil {
		return err
	}
	if err := s.addServices(ctx, stores); err != nil {
		return err
	}
	admin := rpc.NewAdmin(flags.Admin, s.gatherers, s.isReady)
	if err := admin.Bind(); err != nil {
		return err
	}
	s.parts = append(s.parts, admin, lifecycle.Func(s.announce))
	err = lifecycle.Run(ctx, serve.Drain, s.parts...)
	say("stopped; your data is in %s", flags.Data)
	return err
}

// check refuses what would open Sluice to other machines without keys.
func (s *system) check() error {
	for name, address := range map[string]string{"--console": s.flags.Console, "--grpc": s.flags.GRPC} {
		if !rpc.IsLocal(address) && !s.flags.RequireKeys {
			return fmt.Errorf("%s %s may be reached from other machines: add --require-keys, or listen on loopback", name, address)
		}
	}
	if err := os.MkdirAll(s.flags.Data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	return nil
}

func (s *system) telemetry(ctx context.Context, service string) (*telemetry.T, error) {
	tel, err := telemetry.New(ctx, service, telemetry.Config{LogLevel: s.flags.LogLevel, LogFormat: s.flags.LogFormat, OTLPEndpoint: s.flags.OTLP, OTLPSample: s.flags.OTLPSample})
	if err != nil {
		return nil, err
	}
	s.gatherers = append(s.gatherers, labelled(service, tel.Registry))
	return tel, nil
}

// stores are the addresses of Redis and ClickHouse.
type stores struct{ redis, clickhouse string }

func (s *system) startStores(ctx context.Context) (stores, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	out := stores{redis: s.flags.Redis, clickhouse: s.flags.ClickHouse}
	if out.redis == "" {
		say("starting Redis")
		r, err := startRedis(ctx, filepath.Join(s.flags.Data, "redis"), s.log)
		if err != nil {
			return out, err
		}
		out.redis = r.URL()
		s.parts = append(s.parts, r)
	}
	if out.clickhouse == "" {
		say("starting the embedded ClickHouse")
		c, err := s.startClickHouse(ctx)
		if err != nil {
			return out, err
		}
		out.clickhouse = c.DSN()
		s.parts = append(s.parts, untilStopped(c))
	}
	return out, nil
}

func (s *system) startClickHouse(ctx context.Context) (*embedded.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the own program: %w", err)
	}
	return embedded.Start(ctx, embedded.ProcessConfig{
		Command:  []string{self, "serve", "clickhouse"},
		DataDir:  filepath.Join(s.flags.Data, "clickhouse"),
		CacheDir: serve.LibraryCache(""),
		Log:      s.log,
	})
}

// untilStopped makes the engine, which supervises itself, a part.
func untilStopped(p *embedded.Process) lifecycle.Part {
	return lifecycle.Func(func(ctx context.Context) error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		return p.Stop(stop)
	})
}

// isReady is nil when every service can serve.
func (s *system) isReady() error {
	for name, ready := range s.ready {
		if err := ready(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// say tells the person at the terminal what happens.
func say(format string, args ...any) { fmt.Printf("sluice: "+format+"\n", args...) }
