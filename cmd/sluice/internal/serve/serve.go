// Package serve runs one service as a process: telemetry, the service, and the
// admin port with metrics and health.
package serve

import (
	"context"
	"fmt"
	"time"

	"sluice.dev/platform/lifecycle"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
)

// Drain bounds how long one part of a process may take to stop.
const Drain = 30 * time.Second

// Service is what the packages under services/ and gateway export.
type Service interface {
	lifecycle.Part
	Ready() error
}

// Flags are those that every service's command has.
type Flags struct {
	Telemetry   telemetry.Config `embed:""`
	AdminListen string           `help:"HTTP address of /metrics, /healthz and /readyz." env:"SLUICE_ADMIN_LISTEN"`
}

// Run builds the service and runs it until ctx ends.
func Run[S Service](ctx context.Context, name string, flags Flags, build func(context.Context, *telemetry.T) (S, error)) error {
	tel, err := telemetry.New(ctx, name, flags.Telemetry)
	if err != nil {
		return err
	}
	tel.RegisterRuntime()
	svc, err := build(ctx, tel)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	admin := rpc.NewAdmin(flags.AdminListen, tel.Registry, svc.Ready)
	if err := admin.Bind(); err != nil {
		return err
	}
	tel.Log.Info("metrics and health are served", "address", admin.Address())
	err = lifecycle.Run(ctx, Drain, admin, svc)
	goodbye, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if lost := tel.Shutdown(goodbye); lost != nil {
		tel.Log.Warn("the last traces were not sent", "error", lost)
	}
	return err
}
