package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice.dev/e2e/harness"
	"sluice.dev/platform/trafficpolicy/identitytest"
)

// A person logs in at an OpenID Connect provider through a real proxy; the login
// holds on every proxy, and no record shows what it is made of.
func TestLogin(t *testing.T) {
	t.Setenv("SLUICE_POLICY_EGRESS_NETWORKS", "127.0.0.0/8")
	sys := harness.Split(t, 2)
	provider := identitytest.New(t, time.Now)
	const url = "https://app.localhost"
	sys.API.Must(t, "POST", "/api/v1/endpoints", harness.Object{"url": url, "traffic_policy": fmt.Sprintf(`on_http_request:
  - actions:
      - {type: openid-connect, config: {issuer_url: %q, client_id: %s, client_secret: %s}}
      - {type: custom-response, config: {body: "hello ${actions.sluice.oidc.identity.email}"}}
`, provider.Issuer, provider.ClientID, provider.ClientSecret)}, nil)
	sys.Settle()
	one, other := sys.Visitor(0), sys.Visitor(1)

	begun := one.Get(url + "/in?x=1")
	if begun.Status != 302 || !strings.HasPrefix(begun.Header.Get("Location"), provider.Issuer+"/authorize?") {
		t.Fatalf("%d %v", begun.Status, begun.Header)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(begun.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	back := other.Send("GET", res.Header.Get("Location"), "", "Cookie: "+cookies(begun))
	if back.Status != 302 || back.Header.Get("Location") != "/in?x=1" {
		t.Fatalf("after the login: %d %v %s", back.Status, back.Header, back.Body)
	}
	session := cookies(back)
	for i, v := range []*harness.Visitor{one, other} {
		if a := v.Send("GET", url+"/in?x=1", "", "Cookie: "+session); a.Status != 200 || a.Body != "hello ann@example.com" {
			t.Errorf("proxy %d: %d %s", i, a.Status, a.Body)
		}
	}
	if a := one.Send("POST", url+"/", "{}"); a.Status != 401 {
		t.Errorf("a stranger: status %d", a.Status)
	}
	sys.Balance(5)
	all, err := sys.API.Exchanges("")
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(session, "=")
	if text := fmt.Sprint(all); strings.Contains(text, value[:40]) || strings.Contains(text, provider.ClientSecret) {
		t.Error("a record shows the session or the client's secret")
	}
}

// cookies are those that an answer sets, as a browser sends them.
func cookies(a harness.Answer) string {
	var pairs []string
	for _, line := range a.Header.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil && c.MaxAge >= 0 && c.Value != "" {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}
