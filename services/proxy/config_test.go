package proxy_test

import (
	"context"
	"strings"
	"testing"

	"sluice.dev/platform/telemetry"
	proxy "sluice.dev/services/proxy"
)

func TestConfigNamesTheOptionThatIsWrong(t *testing.T) {
	for want, cfg := range map[string]proxy.Config{
		`policy-egress-networks: "10.0.0.0/33"`: {PolicyEgressNetworks: []string{"127.0.0.1", "10.0.0.0/33"}},
		`trusted-proxies: "load balancer"`:      {TrustedProxies: []string{"load balancer"}},
		"cert-file":                             {CertFile: "cert.pem"},
	} {
		if _, err := proxy.New(context.Background(), cfg, telemetry.Nop()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
