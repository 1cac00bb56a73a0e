package gateway

import (
	"fmt"

	"sluice.dev/platform/rpc"
)

// Config says where the gateway listens, which services it speaks for, and who
// may call it.
type Config struct {
	Listen     string `help:"Address of the REST API and the console." default:"127.0.0.1:4040" env:"SLUICE_GATEWAY_LISTEN"`
	GRPCListen string `help:"Address of the gRPC API." default:"127.0.0.1:4041" env:"SLUICE_GATEWAY_GRPC_LISTEN" name:"grpc-listen"`

	PolicyTarget  string `help:"The policy service." default:"127.0.0.1:4051" env:"SLUICE_POLICY_TARGET"`
	CaptureTarget string `help:"The capture service." default:"127.0.0.1:4052" env:"SLUICE_CAPTURE_TARGET"`
	ReplayTarget  string `help:"The replay service." default:"127.0.0.1:4053" env:"SLUICE_REPLAY_TARGET"`
	EventsTarget  string `help:"The events service." default:"127.0.0.1:4054" env:"SLUICE_EVENTS_TARGET"`

	RequireKeys      *bool    `help:"Take calls with an API key only. On by default for addresses that other machines can reach, where it cannot be turned off." negatable:"" env:"SLUICE_GATEWAY_REQUIRE_KEYS"`
	BootstrapKeyFile string   `help:"File with a token that counts as an admin's until the first API key with scope admin exists." type:"path" env:"SLUICE_GATEWAY_BOOTSTRAP_KEY_FILE"`
	AllowedHosts     []string `help:"Further host names that a listener without keys answers to." env:"SLUICE_GATEWAY_ALLOWED_HOSTS"`

	rpc.ClientConfig
}

// requires tells whether callers on listen need a key.
func (c Config) requires(listen string) (bool, error) {
	local := rpc.IsLocal(listen)
	if c.RequireKeys == nil {
		return !local, nil
	}
	if !*c.RequireKeys && !local {
		return false, fmt.Errorf("the gateway listens on %s, which other machines may reach: API keys cannot be turned off there; listen on loopback, or leave --require-keys on", listen)
	}
	return *c.RequireKeys, nil
}
