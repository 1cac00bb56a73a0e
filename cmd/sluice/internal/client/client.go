// Package client connects the command line to a gateway's gRPC port.
package client

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"google.golang.org/grpc"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
	replayv1 "sluice.dev/proto/gen/sluice/replay/v1"

	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
)

// Flags say which gateway to talk to.
type Flags struct {
	Gateway    string `help:"Gateway's gRPC address." default:"127.0.0.1:4041" env:"SLUICE_GATEWAY"`
	APIKeyFile string `help:"File with the API key, for a gateway that wants one. SLUICE_API_KEY may hold the key itself." type:"path" env:"SLUICE_API_KEY_FILE"`
}

// Client is a connection with a stub for each service.
type Client struct {
	Endpoints     policyv1.EndpointServiceClient
	Policies      policyv1.TrafficPolicyServiceClient
	Settings      policyv1.SettingsServiceClient
	APIKeys       policyv1.ApiKeyServiceClient
	Vaults        policyv1.VaultServiceClient
	RateLimits    policyv1.RateLimitBucketServiceClient
	Capture       capturev1.CaptureServiceClient
	Routes        capturev1.RouteServiceClient
	Replay        replayv1.ReplayServiceClient
	Destinations  eventsv1.DestinationServiceClient
	Subscriptions eventsv1.SubscriptionServiceClient
	Monitors      eventsv1.MonitorServiceClient
	Channels      eventsv1.ChannelServiceClient
	Dashboards    eventsv1.DashboardServiceClient
	Sealing       eventsv1.SealingServiceClient
}

// AfterApply gives the command's Run a *Client if it takes one.
func (f *Flags) AfterApply(command *kong.Context) error {
	return command.BindSingletonProvider(f.dial)
}

// dial does not wait for the gateway. The connection ends with the process.
func (f *Flags) dial() (*Client, error) {
	key, err := f.key()
	if err != nil {
		return nil, err
	}
	var opts []grpc.DialOption
	if key != "" {
		opts = append(opts, grpc.WithPerRPCCredentials(bearer(key)))
	}
	conn, err := rpc.Dial(f.Gateway, rpc.ClientConfig{}, telemetry.Nop(), opts...)
	if err != nil {
		return nil, fmt.Errorf("gateway address %q: %w", f.Gateway, err)
	}
	return &Client{
		Endpoints:     policyv1.NewEndpointServiceClient(conn),
		Policies:      policyv1.NewTrafficPolicyServiceClient(conn),
		Settings:      policyv1.NewSettingsServiceClient(conn),
		APIKeys:       policyv1.NewApiKeyServiceClient(conn),
		Vaults:        policyv1.NewVaultServiceClient(conn),
		RateLimits:    policyv1.NewRateLimitBucketServiceClient(conn),
		Capture:       capturev1.NewCaptureServiceClient(conn),
		Routes:        capturev1.NewRouteServiceClient(conn),
		Replay:        replayv1.NewReplayServiceClient(conn),
		Destinations:  eventsv1.NewDestinationServiceClient(conn),
		Subscriptions: eventsv1.NewSubscriptionServiceClient(conn),
		Monitors:      eventsv1.NewMonitorServiceClient(conn),
		Channels:      eventsv1.NewChannelServiceClient(conn),
		Dashboards:    eventsv1.NewDashboardServiceClient(conn),
		Sealing:       eventsv1.NewSealingServiceClient(conn),
	}, nil
}

func (f *Flags) key() (string, error) {
	if f.APIKeyFile == "" {
		return os.Getenv("SLUICE_API_KEY"), nil
	}
	raw, err := os.ReadFile(f.APIKeyFile)
	if err != nil {
		return "", fmt.Errorf("read the API key: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// bearer sends an API key with each call.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }
