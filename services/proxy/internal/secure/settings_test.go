package secure_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/control"
	"sluice.dev/services/proxy/internal/secure"
)

const (
	newest  = "on_tcp_connect: [{actions: [{type: terminate-tls, config: {min_version: '1.3'}}]}]"
	asked   = "on_tcp_connect: [{actions: [{type: terminate-tls, config: {mutual_tls_verification_strategy: require-any}}]}]"
	secrets = "on_tcp_connect: [{actions: [{type: terminate-tls, config: {mutual_tls_certificate_authorities: [\"${secrets.get('a', 'b')}\"]}}]}]"
)

func published(url, policy string) *policyv1.Endpoint {
	return &policyv1.Endpoint{Id: "ep_" + url, Url: url, Revision: 1, TrafficPolicy: policy, Upstream: &policyv1.Upstream{Url: "http://127.0.0.1:1"}}
}

func open(t *testing.T, endpoints ...*policyv1.Endpoint) (*control.Store, *secure.Settings, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	store := control.NewStore(func(*control.State) {}, prometheus.NewRegistry(), log)
	store.Replace(&policyv1.Snapshot{Revision: 1, Endpoints: endpoints})
	return store, secure.New(store, log), &logged
}

func TestTermsAreFoundByName(t *testing.T) {
	_, s, logged := open(t, published("https://new.test", newest), published("https://*.wild.test", asked), published("https://port.test:8443", newest),
		published("https://plain.test", ""), published("https://broken.test", secrets), published("http://new.test", ""))
	for _, tt := range []struct {
		name string
		port uint16
		want string
	}{
		{"new.test", 443, "1.3"}, {"NEW.test", 8443, "1.3"}, {"a.b.wild.test", 443, "client"}, {"port.test", 8443, "1.3"}, {"port.test", 443, ""},
		{"plain.test", 443, ""}, {"none.test", 443, ""}, {"", 443, ""}, {"broken.test", 443, "refused"},
	} {
		terms, name, err := s.Terms(t.Context(), tt.name, tt.port)
		got := ""
		switch {
		case err != nil:
			got = "refused"
		case terms == nil:
		case terms.ClientAuth == tls.RequireAnyClientCert:
			got = "client"
		case terms.MinVersion == tls.VersionTLS13:
			got = "1.3"
		}
		if got != tt.want || (name == nil) != (terms == nil && err == nil) {
			t.Errorf("%s:%d: %q, want %q; %v", tt.name, tt.port, got, tt.want, err)
		}
	}
	if n := strings.Count(logged.String(), "terminate-tls cannot be used"); n != 1 {
		t.Errorf("logged %d times: %s", n, logged)
	}
}

func TestConnectionsWithoutTLSHere(t *testing.T) {
	store, s, _ := open(t, published("https://new.test", newest), published("https://asked.test", asked))
	for host, want := range map[string]bool{"new.test": true, "asked.test": false} {
		e, ok := store.State().Routes.Find("https", host, "")
		if !ok {
			t.Fatal(host)
		}
		if got := s.Met(t.Context(), &message.Conn{}, e.Policy.TLS()); got != want {
			t.Errorf("%s: %t", host, got)
		}
	}
}
