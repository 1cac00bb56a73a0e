package rest

import (
	"context"
	"fmt"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
	replayv1 "sluice.dev/proto/gen/sluice/replay/v1"
)

// Backends are the connections to the services behind the gateway.
type Backends struct {
	Policy, Capture, Replay, Events *grpc.ClientConn
}

type registration struct {
	register func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error
	conn     *grpc.ClientConn
}

func register(ctx context.Context, mux *runtime.ServeMux, b Backends) error {
	for _, s := range []registration{
		{policyv1.RegisterEndpointServiceHandler, b.Policy},
		{policyv1.RegisterTrafficPolicyServiceHandler, b.Policy},
		{policyv1.RegisterSettingsServiceHandler, b.Policy},
		{policyv1.RegisterApiKeyServiceHandler, b.Policy},
		{policyv1.RegisterRateLimitBucketServiceHandler, b.Policy},
		{policyv1.RegisterVaultServiceHandler, b.Policy},
		{capturev1.RegisterCaptureServiceHandler, b.Capture},
		{capturev1.RegisterViewServiceHandler, b.Capture},
		{capturev1.RegisterRouteServiceHandler, b.Capture},
		{replayv1.RegisterReplayServiceHandler, b.Replay},
		{eventsv1.RegisterSubscriptionServiceHandler, b.Events},
		{eventsv1.RegisterDestinationServiceHandler, b.Events},
		{eventsv1.RegisterMonitorServiceHandler, b.Events},
		{eventsv1.RegisterChannelServiceHandler, b.Events},
		{eventsv1.RegisterDashboardServiceHandler, b.Events},
		{eventsv1.RegisterAuditServiceHandler, b.Events},
		{eventsv1.RegisterSealingServiceHandler, b.Events},
	} {
		if err := s.register(ctx, mux, s.conn); err != nil {
			return fmt.Errorf("route the REST API: %w", err)
		}
	}
	return nil
}
