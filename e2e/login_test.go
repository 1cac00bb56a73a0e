package e2e_test

import (
	"fmt"
	"net/http"
	neturl "net/url"
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
	sys.API.Must(t, "POST", "/api/v1/endpoints", harness.Object{"url": "https://closed.localhost", "traffic_policy": fmt.Sprintf(`on_http_request:
  - actions: [{type: deny}]
  - actions: [{type: openid-connect, config: {issuer_url: %q, client_id: %s, client_secret: %s}}]
`, provider.Issuer, provider.ClientID, provider.ClientSecret)}, nil)
	sys.API.Must(t, "PATCH", "/api/v1/settings/capture", harness.Object{"mode": "CAPTURE_MODE_FULL"}, nil)
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
	if again := one.Get(res.Header.Get("Location")); again.Status != 400 { // by somebody who has seen it
		t.Errorf("another browser: status %d", again.Status)
	}
	early := one.Get(strings.Replace(res.Header.Get("Location"), "app.localhost", "closed.localhost", 1))
	if early.Status != 403 {
		t.Errorf("a callback that is refused before the login: status %d", early.Status)
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
	sys.Balance(7)
	_, value, _ := strings.Cut(session, "=")
	secrets := map[string]string{"session": value[:40], "client secret": provider.ClientSecret}
	for _, at := range []string{begun.Header.Get("Location"), res.Header.Get("Location")} {
		u, err := neturl.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"code", "state", "nonce"} {
			if u.Query().Has(name) {
				secrets[name] = strings.TrimPrefix(u.Query().Get(name), "4/")
			}
		}
	}
	if len(secrets) != 5 {
		t.Fatalf("the login is made of %v", secrets)
	}
	for _, id := range []string{begun.ExchangeID(), back.ExchangeID(), early.ExchangeID()} {
		if !strings.Contains(string(get(t, sys, "exchanges/"+id)), `"rule":"login"`) {
			t.Errorf("%s: nothing was redacted", id)
		}
	}
	tell := map[string]string{"the export": string(get(t, sys, "exchanges:export?include_bodies=true&format=EXPORT_FORMAT_NDJSON"))}
	all, err := sys.API.Exchanges("")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		id, _ := e["id"].(string)
		tell[id] = string(get(t, sys, "exchanges/"+id))
	}
	for name, p := range sys.Procs {
		tell["the log of "+name] = p.Output()
	}
	for where, text := range tell {
		for name, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells the %s", where, name)
			}
		}
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
