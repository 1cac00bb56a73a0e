package replay

import (
	"sluice.dev/platform/rpc"
)

// DefaultListen is where the service listens unless configured otherwise.
const DefaultListen = "127.0.0.1:4053"

// Config is what an operator sets. An empty GRPC.Listen means [DefaultListen].
type Config struct {
	GRPC          rpc.ServerConfig `embed:"" prefix:"grpc-"`
	PolicyTarget  string           `help:"The policy service." default:"127.0.0.1:4051" env:"SLUICE_POLICY_TARGET"`
	CaptureTarget string           `help:"The capture service." default:"127.0.0.1:4052" env:"SLUICE_CAPTURE_TARGET"`

	ProxyHTTP       string `help:"Address to which replays of http endpoints are sent: a proxy, or what balances over proxies." default:"127.0.0.1:8080" env:"SLUICE_REPLAY_PROXY_HTTP" name:"proxy-http"`
	ProxyHTTPS      string `help:"Address to which replays of https endpoints are sent." default:"127.0.0.1:8443" env:"SLUICE_REPLAY_PROXY_HTTPS" name:"proxy-https"`
	ProxyCA         string `help:"File with the certificate authority of the proxies (PEM); the system's are trusted when empty. It may appear later." type:"path" env:"SLUICE_REPLAY_PROXY_CA" name:"proxy-ca"`
	ProxySkipVerify bool   `help:"Do not verify the proxies' certificates." env:"SLUICE_REPLAY_PROXY_SKIP_VERIFY"`
}

func (c Config) withDefaults() Config {
	for field, absent := range map[*string]string{
		&c.GRPC.Listen: DefaultListen, &c.PolicyTarget: "127.0.0.1:4051", &c.CaptureTarget: "127.0.0.1:4052",
		&c.ProxyHTTP: "127.0.0.1:8080", &c.ProxyHTTPS: "127.0.0.1:8443",
	} {
		if *field == "" {
			*field = absent
		}
	}
	return c
}
