package gateway_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/gateway"
	"sluice.dev/gateway/internal/api"
	"sluice.dev/platform/telemetry"
)

func withKeys(c *gateway.Config) { on := true; c.RequireKeys = &on }

func withBootstrap(t *testing.T) func(*gateway.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("bootstrap-0123456789\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *gateway.Config) { withKeys(c); c.BootstrapKeyFile = file }
}

func TestScopes(t *testing.T) {
	s := start(t, withBootstrap(t))
	s.policy.addKey("reader", policyv1.Scope_SCOPE_READ)
	s.policy.addKey("writer", policyv1.Scope_SCOPE_WRITE)
	for _, c := range []struct {
		token, method, path, body string
		status                    int
		contains                  string
	}{
		{"", "GET", "/api/v1/endpoints", "", 401, "API_KEY_MISSING"},
		{"nobody", "GET", "/api/v1/endpoints", "", 401, "API_KEY_UNKNOWN"},
		{"nobody", "GET", "/api/v1/exchanges:tail", "", 401, "API_KEY_UNKNOWN"},
		{"reader", "GET", "/api/v1/endpoints", "", 200, "endpoints"},
		{"reader", "POST", "/api/v1/endpoints", `{}`, 403, "needs an API key with scope write; this one has scope read"},
		{"reader", "POST", "/api/v1/exchanges/ex_1:replay", `{}`, 403, "API_KEY_SCOPE"},
		{"writer", "POST", "/api/v1/endpoints", `{}`, 201, "ep_1"},
		{"writer", "GET", "/api/v1/api-keys", "", 403, "scope admin"},
		{"writer", "PATCH", "/api/v1/settings/capture", `{}`, 403, "scope admin"},
		{"bootstrap-0123456789", "GET", "/api/v1/api-keys", "", 200, "api_keys"},
	} {
		var headers []string
		if c.token != "" {
			headers = []string{"Authorization: Bearer " + c.token}
		}
		if got := s.call(c.method, c.path, c.body, headers...); got.status != c.status || !strings.Contains(got.body, c.contains) {
			t.Errorf("%s %s with key %q: %d %s", c.method, c.path, c.token, got.status, got.body)
		}
	}
	if s.policy.principal != "ak_writer" {
		t.Errorf("the principal was %q", s.policy.principal)
	}
	if leaked := s.policy.metadata.Get("authorization"); len(leaked) > 0 {
		t.Error("the token went on to the service")
	}
}

// Whatever the API table offers must be routed, and behind the keys.
func TestEveryMethodIsRoutedAndGuarded(t *testing.T) {
	s := start(t, withBootstrap(t))
	for _, m := range api.Methods() {
		path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(m.Pattern, "x_1")
		if got := s.call(m.Verb, path, ""); got.status != 401 || !strings.Contains(got.body, "API_KEY_MISSING") {
			t.Errorf("%s %s: %d %s", m.Verb, path, got.status, got.body)
		}
	}
}

func TestBootstrapKeyEndsWithTheFirstAdmin(t *testing.T) {
	s := start(t, withBootstrap(t))
	const header = "Authorization: Bearer bootstrap-0123456789"
	if got := s.call("GET", "/api/v1/endpoints", "", header); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	s.policy.addKey("boss", policyv1.Scope_SCOPE_ADMIN)
	if got := s.call("GET", "/api/v1/endpoints", "", header); got.status != 401 || !strings.Contains(got.body, "no longer accepted") {
		t.Errorf("%+v", got)
	}
}

func TestNobodyCouldLogIn(t *testing.T) {
	s := start(t, withKeys)
	wait(t, "the refusal", func() bool { return len(s.failed) == 1 })
	if err := <-s.failed; !strings.Contains(err.Error(), "--bootstrap-key-file") {
		t.Error(err)
	}
}

func TestWideListenersNeedKeys(t *testing.T) {
	off := false
	for _, cfg := range []gateway.Config{
		{Listen: "0.0.0.0:0", GRPCListen: "127.0.0.1:0", RequireKeys: &off},
		{Listen: "127.0.0.1:0", GRPCListen: "0.0.0.0:0", RequireKeys: &off},
	} {
		if _, err := gateway.New(t.Context(), cfg, telemetry.Nop()); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
	s := start(t, func(c *gateway.Config) { withBootstrap(t)(c); c.RequireKeys = nil; c.Listen = "0.0.0.0:0" })
	if got := s.call("GET", "/api/v1/endpoints", ""); got.status != 401 {
		t.Errorf("%+v", got)
	}
}

func TestHostilePages(t *testing.T) {
	s := start(t, func(c *gateway.Config) { c.AllowedHosts = []string{"sluice.test"} })
	for _, c := range []struct {
		name, method, body string
		headers            []string
		status             int
	}{
		{"rebound name", "GET", "", []string{"Host: evil.example"}, 403},
		{"local name", "GET", "", []string{"Host: localhost:4040"}, 200},
		{"allowed name", "GET", "", []string{"Host: sluice.test"}, 200},
		{"IPv6", "GET", "", []string{"Host: [::1]:4040"}, 200},
		{"form of another origin", "POST", "x=1", []string{"Content-Type: text/plain"}, 415},
		{"fetch of another origin", "POST", "{}", []string{"Origin: https://evil.example"}, 403},
		{"browser says cross-site", "POST", "{}", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"own page", "POST", "{}", []string{"Sec-Fetch-Site: same-origin"}, 201},
	} {
		if got := s.call(c.method, "/api/v1/endpoints", c.body, c.headers...); got.status != c.status {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
	}
	if got := s.call("GET", "/", "", "Host: evil.example"); got.status != 403 {
		t.Errorf("the console answered %d", got.status)
	}
}

func TestClientsCannotInjectMetadata(t *testing.T) {
	s := start(t, nil)
	s.call("POST", "/api/v1/endpoints", `{}`, "Grpc-Metadata-Sluice-Principal: ak_boss", "Sluice-Principal: ak_boss", "Sluice-Cluster-Key: x")
	if got := s.policy.metadata; len(got.Get("sluice-principal")) != 1 || s.policy.principal != "local" || len(got.Get("sluice-cluster-key")) > 0 {
		t.Errorf("metadata %v", got)
	}
}
