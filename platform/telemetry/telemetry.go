// Package telemetry is what a service tells about itself: logs by log/slog,
// metrics by the Prometheus client, traces by OpenTelemetry when an OTLP endpoint
// is configured.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// T is a service's telemetry.
type T struct {
	Log      *slog.Logger
	Registry *prometheus.Registry
	Tracer   trace.TracerProvider
	tracing  bool
	shutdown func(context.Context) error
}

// Config says where telemetry goes.
type Config struct {
	LogLevel     slog.Level `help:"Least severe log level: debug, info, warn or error." default:"info" env:"SLUICE_LOG_LEVEL"`
	LogFormat    string     `help:"Log format: text or json." default:"text" enum:"text,json" env:"SLUICE_LOG_FORMAT"`
	OTLPEndpoint string     `help:"OTLP gRPC endpoint for traces, such as http://127.0.0.1:4317. Empty: no traces." env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	OTLPSample   float64    `help:"Percentage of the traces that begin here which are kept; those that a caller began are kept as it says." default:"100" env:"SLUICE_OTLP_SAMPLE" name:"otlp-sample"`
}

// Tracing reports whether traces go anywhere.
func (t *T) Tracing() bool { return t.tracing }

// New returns the telemetry of a service. Logs go to standard error.
func New(ctx context.Context, service string, cfg Config) (*T, error) {
	t := &T{
		Log:      newLogger(cfg).With("service", service),
		Registry: prometheus.NewRegistry(),
		Tracer:   noop.NewTracerProvider(),
		shutdown: func(context.Context) error { return nil },
	}
	if cfg.OTLPEndpoint == "" {
		return t, nil
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(cfg.OTLPEndpoint))
	if err != nil {
		return nil, fmt.Errorf("connect traces to %s: %w", cfg.OTLPEndpoint, err)
	}
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(semconv.ServiceName("sluice-" + service))),
	}
	if share := cfg.OTLPSample / 100; share > 0 && share < 1 {
		options = append(options, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(share))))
	}
	provider := sdktrace.NewTracerProvider(options...)
	t.Tracer, t.tracing, t.shutdown = provider, true, provider.Shutdown
	return t, nil
}

// Nop returns telemetry for tests: logs are dropped, metrics can be read.
func Nop() *T {
	return &T{
		Log:      slog.New(slog.DiscardHandler),
		Registry: prometheus.NewRegistry(),
		Tracer:   noop.NewTracerProvider(),
		shutdown: func(context.Context) error { return nil },
	}
}

// RegisterRuntime adds Go runtime and process metrics: once per process.
func (t *T) RegisterRuntime() {
	t.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// Shutdown sends what is still queued.
func (t *T) Shutdown(ctx context.Context) error { return t.shutdown(ctx) }

// Propagator carries trace context over HTTP and gRPC (W3C Trace Context).
func Propagator() propagation.TextMapPropagator { return propagation.TraceContext{} }

func newLogger(cfg Config) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opts))
}
