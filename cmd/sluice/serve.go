package main

import (
	"context"

	"sluice.dev/gateway"
	"sluice.dev/services/capture"
	"sluice.dev/services/events"
	"sluice.dev/services/policy"
	"sluice.dev/services/proxy"
	"sluice.dev/services/replay"

	"sluice.dev/platform/telemetry"

	"sluice.dev/cmd/sluice/internal/serve"
)

// serveCmd has a command for each service. Their flags are their Config.
type serveCmd struct {
	Proxy      proxyCmd         `cmd:"" help:"The data plane: listeners, policy enforcement, recording."`
	Policy     policyServiceCmd `cmd:"" help:"The control plane: endpoints, policies, keys, rate limit counters."`
	Capture    captureCmd       `cmd:"" help:"Stores and finds recorded exchanges."`
	Replay     replayServiceCmd `cmd:"" help:"Sends recorded requests again."`
	Events     eventsCmd        `cmd:"" help:"Exports events, evaluates monitors, notifies."`
	Gateway    gatewayCmd       `cmd:"" help:"REST, gRPC for clients and the web console."`
	Clickhouse serve.ClickHouse `cmd:"" help:"The embedded ClickHouse engine by itself."`
}

type proxyCmd struct {
	serve.Flags
	proxy.Config
}

// proxyHeadroom is what a proxy may allocate between two garbage collections, in
// bytes, when it needs less itself.
const proxyHeadroom = 40 << 20

// Run runs the service.
func (c *proxyCmd) Run(ctx context.Context) error {
	listen(&c.AdminListen, "127.0.0.1:4060")
	serve.Headroom(proxyHeadroom)
	return serve.Run(ctx, "proxy", c.Flags, func(ctx context.Context, t *telemetry.T) (*proxy.Service, error) { return proxy.New(ctx, c.Config, t) })
}

type policyServiceCmd struct {
	serve.Flags
	policy.Config
}

// Run runs the service.
func (c *policyServiceCmd) Run(ctx context.Context) error {
	listen(&c.AdminListen, "127.0.0.1:4061")
	return serve.Run(ctx, "policy", c.Flags, func(ctx context.Context, t *telemetry.T) (*policy.Service, error) {
		return policy.New(ctx, c.Config, t)
	})
}

type captureCmd struct {
	serve.Flags
	capture.Config
}

// Run runs the service.
func (c *captureCmd) Run(ctx context.Context) error {
	listen(&c.AdminListen, "127.0.0.1:4062")
	return serve.Run(ctx, "capture", c.Flags, func(ctx context.Context, t *telemetry.T) (*capture.Service, error) {
		return capture.New(ctx, c.Config, t)
	})
}

type replayServiceCmd struct {
	serve.Flags
	replay.Config
}

// Run runs the service.
func (c *replayServiceCmd) Run(ctx context.Context) error {
	listen(&c.AdminListen, "127.0.0.1:4063")
	return serve.Run(ctx, "replay", c.Flags, func(ctx context.Context, t *telemetry.T) (*replay.Service, error) {
		return replay.New(ctx, c.Config, t)
	})
}

type eventsCmd struct {
	serve.Flags
	events.Config
}

// Run runs the service.
func (c *eventsCmd) Run(ctx context.Context) error {
	listen(&c.AdminListen, "127.0.0.1:4064")
	return serve.Run(ctx, "events", c.Flags, func(ctx context.Context, t *telemetry.T) (*events.Service, error) {
		return events.New(ctx, c.Config, t)
	})
}

type gatewayCmd struct {
	serve.Flags
	gateway.Config
}

// Run runs the service.
func (c *gatewayCmd) Run(ctx context.Context) error {
	listen(&c.AdminListen, "127.0.0.1:4065")
	return serve.Run(ctx, "gateway", c.Flags, func(ctx context.Context, t *telemetry.T) (*gateway.Service, error) {
		return gateway.New(ctx, c.Config, t)
	})
}

// listen sets the default of an address.
func listen(address *string, absent string) {
	if *address == "" {
		*address = absent
	}
}
