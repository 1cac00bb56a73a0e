package trafficpolicy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/identitytest"
	"sluice.dev/platform/trafficpolicy/outbound"
)

const app = "https://app.example.com"

// browser visits an endpoint whose policy has people log in, and the provider.
type browser struct {
	t        *testing.T
	policy   *trafficpolicy.Policy
	services trafficpolicy.Services
	start    time.Time
	passed   atomic.Int64 // since then; the provider and the key cache look at the clock too
	cookies  map[string]string
	sent     *message.Request // what the upstream got last
	results  map[string]any   // of the last request
	facts    trafficpolicy.Facts
}

type fetchKeys struct{}

func (fetchKeys) FetchKeys(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

func visit(t *testing.T, policy string) *browser {
	t.Helper()
	p, problems := trafficpolicy.Compile(policy)
	if p == nil {
		t.Fatalf("the policy is refused: %v", problems)
	}
	b := &browser{t: t, policy: p, start: time.Now(), cookies: map[string]string{}}
	client := outbound.New(outbound.NewGuard(netip.MustParsePrefix("127.0.0.0/8")), nil)
	t.Cleanup(client.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	b.services = trafficpolicy.Services{HTTP: client, Now: b.now, SessionKey: []byte("0123456789abcdef0123456789abcdef"), KeySets: trafficpolicy.NewKeySets(fetchKeys{}, b.now)}
	return b
}

func (b *browser) now() time.Time { return b.start.Add(time.Duration(b.passed.Load())) }

func (b *browser) pass(d time.Duration) { b.passed.Add(int64(d)) }

// do sends one request and keeps the cookies.
func (b *browser) do(method, target string) *message.Response {
	b.t.Helper()
	req := &message.Request{Method: method, Scheme: "https", Host: "app.example.com", Target: target, Proto: "HTTP/1.1", Received: b.now()}
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	req.Header.Add("Cookie", strings.Join(append(pairs, "own=1"), "; "))
	run := b.policy.Start(trafficpolicy.Input{Request: req, Endpoint: &message.Endpoint{ID: "ep_1", Scheme: "https"}}, b.services)
	defer run.Release()
	out, err := run.OnRequest(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	b.sent = nil
	res := message.NewResponse(200, nil, "welcome")
	if out == nil {
		b.sent = req
		_, err = run.OnResponse(b.t.Context(), res)
	} else if res = out.Response; out.Cause != nil {
		b.t.Logf("%s: %v", target, out.Cause)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.results, b.facts = run.Trace().Results(), run.Facts()
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			delete(b.cookies, c.Name)
			continue
		}
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			b.t.Errorf("cookie %v", c)
		}
		b.cookies[c.Name] = c.Value
	}
	return res
}

// provider follows a redirect to the provider and returns where that leads back.
func (b *browser) provider(res *message.Response) string {
	b.t.Helper()
	if res.Status != 302 {
		b.t.Fatalf("status %d %v", res.Status, b.results)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	back, err := client.Get(res.Header.Get("location"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer back.Body.Close()
	client.CloseIdleConnections()
	location := back.Header.Get("Location")
	if !strings.HasPrefix(location, app+"/sluice/oauth2/callback?") {
		text, _ := io.ReadAll(back.Body)
		b.t.Fatalf("the provider answers %d %s %s", back.StatusCode, location, text)
	}
	return strings.TrimPrefix(location, app)
}

// login takes the whole way from target, back to it.
func (b *browser) login(target string) {
	b.t.Helper()
	res := b.do("GET", b.provider(b.do("GET", target)))
	if res.Status != 302 || res.Header.Get("location") != target {
		b.t.Fatalf("after the login: %d %v %v", res.Status, res.Header, b.results)
	}
	b.welcome(target)
}

func (b *browser) welcome(target string) {
	b.t.Helper()
	if res := b.do("GET", target); b.sent == nil {
		b.t.Fatalf("%s: %d %v", target, res.Status, b.results)
	}
}

func (b *browser) refused(target, code string, status int) {
	b.t.Helper()
	if res := b.do("GET", target); res.Status != status || b.results["oidc.error.code"] != code {
		b.t.Errorf("%s: %d, want %d; %v", target, res.Status, status, b.results)
	}
}

func oidcPolicy(p *identitytest.Provider, more string) string {
	return fmt.Sprintf(`
on_http_request:
  - actions:
      - {type: openid-connect, config: {issuer_url: %q, client_id: %s, client_secret: %s%s}}
  - expressions: ["!actions.ngrok.oidc.identity.email.endsWith('@example.com')"]
    actions: [{type: deny}]
  - actions:
      - {type: add-headers, config: {headers: {x-user: "${actions.sluice.oidc.identity.name} ${actions.sluice.oidc.identity.claims.groups[0]}"}}}
`, p.Issuer, p.ClientID, p.ClientSecret, more)
}

func oidcVisit(t *testing.T, more string) (*browser, *identitytest.Provider) {
	t.Helper()
	var b *browser
	p := identitytest.New(t, func() time.Time { return b.now() })
	b = visit(t, oidcPolicy(p, more))
	return b, p
}

func TestLoginAtAnOpenIDProvider(t *testing.T) {
	b, _ := oidcVisit(t, "")
	b.login("/orders?page=2")
	if b.facts.Login != "allow" || b.facts.LoginUser != "ann@example.com" {
		t.Errorf("the facts are %+v", b.facts)
	}
	if got := b.sent.Header.Get("x-user"); got != "Ann staff" {
		t.Errorf("the upstream gets %q", got)
	}
	if got := b.sent.Header.Get("cookie"); got != "own=1" {
		t.Errorf("the upstream gets the cookies %q", got)
	}
	if b.results["oidc.identity.provider_user_id"] != "u-1" || b.results["oidc.identity.current_provider_session_id"] != "provider-session" || b.results["oidc.identity_token"] == "" {
		t.Errorf("results %v", b.results)
	}
	for name, value := range b.cookies {
		if strings.Contains(value, "ann@") || strings.HasPrefix(name, "sluice_login_") {
			t.Errorf("cookie %s=%s", name, value)
		}
	}
}

func TestLoginIsBoundToTheBrowserThatBegan(t *testing.T) {
	b, _ := oidcVisit(t, "")
	callback := b.provider(b.do("GET", "/"))
	if b.facts.Login != "login" || b.facts.LoginUser != "" {
		t.Errorf("before the login the facts are %+v", b.facts)
	}
	kept := b.cookies
	b.cookies = map[string]string{}
	b.refused(callback, "SLUICE_4432", 400)
	b.cookies = kept
	other := b.provider(b.do("GET", "/other")) // a second tab
	for _, way := range []string{callback, other} {
		if res := b.do("GET", way); res.Status != 302 {
			t.Errorf("%s: %d %v", way, res.Status, b.results)
		}
	}
	b.refused(other, "SLUICE_4432", 400) // again
	_, state, _ := strings.Cut(callback, "state=")
	b.refused("/sluice/oauth2/callback?code=x&state="+state, "SLUICE_4432", 400)
}

// The code of a login, its state and its nonce are to stand in no record.
func TestWhatALoginIsMadeOfIsSecret(t *testing.T) {
	b, _ := oidcVisit(t, "")
	secret := func(u *url.URL, names ...string) {
		t.Helper()
		for _, name := range names {
			if value := u.Query().Get(name); value == "" || !slices.Contains(b.facts.Secrets, value) {
				t.Errorf("%s %q is not among %q", name, value, b.facts.Secrets)
			}
		}
	}
	begun := b.do("GET", "/")
	to, err := url.Parse(begun.Header.Get("location"))
	if err != nil {
		t.Fatal(err)
	}
	secret(to, "state", "nonce")
	back, err := url.Parse(b.provider(begun))
	if err != nil {
		t.Fatal(err)
	}
	b.cookies = map[string]string{}
	b.refused(back.String(), "SLUICE_4432", 400) // the code was not used, and is still good
	secret(back, "code", "state")
	b.do("GET", "/other?code=123456&state=654321")
	if slices.Contains(b.facts.Secrets, "123456") || slices.Contains(b.facts.Secrets, "654321") {
		t.Errorf("parameters of other paths are taken for secrets: %q", b.facts.Secrets)
	}
	b, _ = oidcVisit(t, "")
	b.policy, _ = trafficpolicy.Compile("on_http_request: [{actions: [{type: deny}]}, {actions: [{type: openid-connect, config: {issuer_url: https://id.example.com, client_id: a, client_secret: b}}]}]")
	b.do("GET", back.String()) // answered before the login was asked
	secret(back, "code", "state")
}

func TestLoginThatComesTooLate(t *testing.T) {
	b, _ := oidcVisit(t, "")
	callback := b.provider(b.do("GET", "/"))
	b.pass(16 * time.Minute)
	b.refused(callback, "SLUICE_4432", 400)
}

// What the provider says must be for this login and this application, by its key.
func TestForgedIDTokens(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"another nonce":        func(c map[string]any) { c["nonce"] = "other" },
		"no nonce":             func(c map[string]any) { delete(c, "nonce") },
		"another application":  func(c map[string]any) { c["aud"] = "other" },
		"another issuer":       func(c map[string]any) { c["iss"] = "https://evil.example" },
		"expired":              func(c map[string]any) { c["exp"] = 1000 },
		"another access token": func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" },
	} {
		t.Run(name, func(t *testing.T) {
			b, p := oidcVisit(t, "")
			p.Forge(change)
			b.refused(b.provider(b.do("GET", "/")), "SLUICE_4431", 403)
			if b.do("GET", "/"); b.sent != nil {
				t.Error("the request passed")
			}
		})
	}
}

func TestProviderThatRefuses(t *testing.T) {
	b, p := oidcVisit(t, "")
	p.Refuse(true)
	b.refused(b.provider(b.do("GET", "/")), "SLUICE_4431", 403)
}

func TestProviderChangesItsKey(t *testing.T) {
	b, p := oidcVisit(t, "")
	b.login("/")
	p.RotateKey()
	b.pass(time.Minute)
	b.cookies = map[string]string{}
	b.login("/")
}

func TestCookiesOfOthersCountNothing(t *testing.T) {
	b, p := oidcVisit(t, "")
	b.login("/")
	for name, value := range b.cookies {
		b.cookies[name] = value[:len(value)-2] + "AA"
	}
	if b.do("GET", "/"); b.sent != nil {
		t.Error("a changed cookie counts")
	}
	b.cookies = map[string]string{}
	b.login("/")
	other := visit(t, oidcPolicy(p, ""))
	other.services.SessionKey, other.cookies = []byte("another gateway, another key"), b.cookies
	if other.do("GET", "/"); other.sent != nil {
		t.Error("a cookie of another gateway counts")
	}
}

func TestOnlyNavigationIsSentToLogIn(t *testing.T) {
	b, _ := oidcVisit(t, "")
	if res := b.do("POST", "/"); res.Status != 401 || b.results["oidc.error.code"] != "SLUICE_4430" {
		t.Errorf("POST: %d %v", res.Status, b.results)
	}
	for path, want := range map[string]string{"//evil.example/": "/", "/\\evil.example": "/", "/sluice/login?redirect_path=%2Fin": "/in", "/sluice/login?redirect_path=https%3A%2F%2Fevil.example": "/", "/ngrok/login?redirect_path=/n": "/n"} {
		res := b.do("GET", b.provider(b.do("GET", path)))
		if got := res.Header.Get("location"); got != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
		b.cookies = map[string]string{}
	}
}

func TestSessionsEnd(t *testing.T) {
	b, _ := oidcVisit(t, ", max_session_duration: 1h, idle_session_duration: 20m")
	b.login("/")
	for range 2 {
		b.pass(19 * time.Minute)
		b.welcome("/")
	}
	b.pass(21 * time.Minute)
	if b.do("GET", "/"); b.sent != nil || b.results["oidc.session_timed_out"] != true {
		t.Errorf("idle for 21 minutes: %v", b.results)
	}
	b.login("/")
	for range 3 {
		b.pass(19 * time.Minute)
		b.welcome("/")
	}
	b.pass(4 * time.Minute)
	if b.do("GET", "/"); b.sent != nil || b.results["oidc.session_max_duration_reached"] != true {
		t.Errorf("after 61 minutes: %v", b.results)
	}
}

func TestTokensAreRefreshed(t *testing.T) {
	b, p := oidcVisit(t, "")
	b.login("/")
	before := b.results["oidc.expires_at"]
	asked := p.Requests("/token")
	p.Set("name", "Ann B")
	old := map[string]string{}
	for k, v := range b.cookies {
		old[k] = v
	}
	b.pass(identitytest.TokenTime)
	b.welcome("/")
	if b.results["oidc.expires_at"] == before || b.results["oidc.identity.name"] != "Ann B" || p.Requests("/token") != asked+1 {
		t.Errorf("%d questions, results %v", p.Requests("/token")-asked, b.results)
	}
	fresh := b.cookies
	b.cookies = old // a request that was under way
	b.welcome("/")
	if p.Requests("/token") != asked+1 {
		t.Error("the refresh token was used twice")
	}
	b.cookies = fresh
	b.pass(identitytest.TokenTime)
	b.welcome("/")
	p.EndSessions()
	b.pass(identitytest.TokenTime)
	if b.do("GET", "/"); b.sent != nil {
		t.Error("the provider ended the session, and it goes on")
	}
}

func TestUserInfoIsRefreshed(t *testing.T) {
	b, p := oidcVisit(t, ", userinfo_refresh_interval: 5m")
	b.login("/")
	p.Set("email", "ann@other.example")
	b.welcome("/")
	b.pass(6 * time.Minute)
	if res := b.do("GET", "/"); res.Status != 403 || b.results["oidc.userinfo_refreshed"] != true {
		t.Errorf("%d %v", res.Status, b.results)
	}
}

func TestUnverifiedAddressesAreNotTold(t *testing.T) {
	b, p := oidcVisit(t, "")
	p.Set("email_verified", false)
	b.do("GET", b.provider(b.do("GET", "/")))
	if res := b.do("GET", "/"); res.Status != 403 || b.results["oidc.identity.email"] != "" {
		t.Errorf("%d %v", res.Status, b.results)
	}
}

func TestLogout(t *testing.T) {
	b, p := oidcVisit(t, "")
	b.login("/")
	to, err := url.Parse(b.do("GET", "/sluice/logout?redirect_path=/bye").Header.Get("location"))
	if err != nil || !strings.HasPrefix(to.String(), p.Issuer+"/logout?") || to.Query().Get("id_token_hint") == "" || to.Query().Get("post_logout_redirect_uri") != app+"/bye" {
		t.Errorf("%v, %v", to, err)
	}
	if len(b.cookies) != 0 {
		t.Errorf("cookies %v", b.cookies)
	}
	if b.do("GET", "/"); b.sent != nil {
		t.Error("the session goes on")
	}
}

// A person with very many claims takes several cookies.
func TestLargeSessions(t *testing.T) {
	b, p := oidcVisit(t, "")
	p.Set("groups", append([]string{"staff"}, strings.Split(strings.Repeat("group-with-a-name ", 250), " ")...))
	b.login("/")
	if len(b.cookies) < 2 {
		t.Errorf("%d cookies", len(b.cookies))
	}
	p.Set("groups", []string{"staff"})
	b.pass(identitytest.TokenTime)
	b.welcome("/")
	b.welcome("/")
	if len(b.cookies) != 1 {
		t.Errorf("%d cookies of a small session", len(b.cookies))
	}
}

func TestPreflightsPass(t *testing.T) {
	b, _ := oidcVisit(t, ", allow_cors_preflight: true")
	req := &message.Request{Method: "OPTIONS", Scheme: "https", Host: "app.example.com", Target: "/", Proto: "HTTP/1.1"}
	for range 2 {
		run := b.policy.Start(trafficpolicy.Input{Request: req, Endpoint: &message.Endpoint{ID: "ep_1"}}, b.services)
		out, err := run.OnRequest(t.Context())
		run.Release()
		// The rules after the login read its results, and fail closed without.
		if err != nil || out == nil || req.Header.Has("origin") != (out.ErrorCode == "SLUICE_2253") {
			t.Errorf("%v %v", out, err)
		}
		req.Header.Add("Origin", "https://other.example")
		req.Header.Add("Access-Control-Request-Method", "POST")
	}
}

func TestProviderThatCannotBeAsked(t *testing.T) {
	b := visit(t, `on_http_request: [{actions: [{type: openid-connect, config: {issuer_url: "http://127.0.0.1:1", client_id: x}}]}]`)
	if res := b.do("GET", "/"); res.Status != 502 {
		t.Errorf("status %d", res.Status)
	}
	b.services.SessionKey = nil
	if res := b.do("GET", "/"); res.Status != 500 {
		t.Errorf("without a key: status %d", res.Status)
	}
}

// elsewhere answers for a provider that is on the internet.
type elsewhere map[string]func(*trafficpolicy.OutboundRequest) string

func (e elsewhere) Do(_ context.Context, req *trafficpolicy.OutboundRequest) (*trafficpolicy.OutboundResponse, error) {
	answer, ok := e[req.Method+" "+req.URL]
	if !ok {
		return nil, fmt.Errorf("nobody answers %s %s", req.Method, req.URL)
	}
	return &trafficpolicy.OutboundResponse{Status: 200, Header: message.Header{{Name: "content-type", Value: "application/json"}}, Body: io.NopCloser(strings.NewReader(answer(req)))}, nil
}

func TestLoginAtAnOAuthProvider(t *testing.T) {
	b := visit(t, `on_http_request: [{actions: [{type: oauth, config: {provider: github, client_id: app-1, client_secret: sec-ret, authz_url_params: {allow_signup: "false"}}}]}]`)
	var verifier string
	b.services.HTTP = elsewhere{
		"POST https://github.com/login/oauth/access_token": func(r *trafficpolicy.OutboundRequest) string {
			form, _ := url.ParseQuery(r.Body)
			verifier = form.Get("code_verifier")
			if form.Get("code") != "c-1" || form.Get("client_secret") != "sec-ret" || form.Get("redirect_uri") != app+"/sluice/oauth2/callback" {
				return `{"error":"bad_verification_code"}`
			}
			return `{"access_token":"gho_1","token_type":"bearer","scope":"user"}`
		},
		"GET https://api.github.com/user": func(r *trafficpolicy.OutboundRequest) string {
			if r.Header.Get("authorization") != "Bearer gho_1" {
				return `{}`
			}
			return `{"id":583231,"login":"octocat","name":"","email":null}`
		},
		"GET https://api.github.com/user/emails": func(*trafficpolicy.OutboundRequest) string {
			return `[{"email":"old@example.com","verified":true},{"email":"octo@example.com","primary":true,"verified":true}]`
		},
	}
	to, err := url.Parse(b.do("GET", "/x").Header.Get("location"))
	q := to.Query()
	if err != nil || to.Host != "github.com" || q.Get("client_id") != "app-1" || q.Get("scope") != "read:user user:email" || q.Get("code_challenge") == "" || q.Get("allow_signup") != "false" || q.Has("nonce") {
		t.Fatalf("%v, %v", to, err)
	}
	if res := b.do("GET", "/sluice/oauth2/callback?code=c-1&state="+q.Get("state")); res.Header.Get("location") != "/x" || verifier == "" {
		t.Fatalf("%d %v", res.Status, b.results)
	}
	b.welcome("/x")
	want := map[string]any{"oauth.identity.provider_user_id": "583231", "oauth.identity.name": "octocat", "oauth.identity.email": "octo@example.com", "oauth.identity.id": "github#583231"}
	for name, value := range want {
		if b.results[name] != value {
			t.Errorf("%s is %v, want %v", name, b.results[name], value)
		}
	}
	if res := b.do("GET", "/sluice/logout"); res.Status != 200 || len(b.cookies) != 0 {
		t.Errorf("logout: %d, cookies %v", res.Status, b.cookies)
	}
	if text, _ := json.Marshal(b.results); strings.Contains(string(text), "gho_1") {
		t.Error("the results still hold the token")
	}
}
