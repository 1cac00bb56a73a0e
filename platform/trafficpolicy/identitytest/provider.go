// Package identitytest is a small OpenID Connect provider for tests: discovery,
// keys, authorization with PKCE, tokens with real signatures, refresh, user info
// and logout. Whoever comes is logged in as the provider's Person at once.
package identitytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Provider is a running provider with one registered application.
type Provider struct {
	Issuer       string
	ClientID     string
	ClientSecret string

	mu       sync.Mutex
	now      func() time.Time
	person   map[string]any
	change   func(claims map[string]any) // of the next ID tokens
	key      *ecdsa.PrivateKey
	keyID    string
	codes    map[string]grant
	refresh  map[string]grant
	access   map[string]bool
	refused  bool
	requests map[string]int
}

// grant is what a code or a refresh token stands for.
type grant struct{ nonce, challenge, redirect string }

// TokenTime is how long access tokens hold.
const TokenTime = 10 * time.Minute

// New starts a provider until the test ends. now is its clock.
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	p := &Provider{ClientID: "sluice-test", ClientSecret: "sec-ret-of-client", now: now, codes: map[string]grant{}, refresh: map[string]grant{}, access: map[string]bool{}, requests: map[string]int{},
		person: map[string]any{"sub": "u-1", "email": "ann@example.com", "email_verified": true, "name": "Ann", "groups": []string{"staff"}}}
	p.RotateKey()
	mux := http.NewServeMux()
	for path, handle := range map[string]http.HandlerFunc{
		"/.well-known/openid-configuration": p.discovery, "/keys": p.keys, "/authorize": p.authorize, "/token": p.token, "/userinfo": p.userinfo,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.requests[path]++
			handle(w, r)
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.Issuer = server.URL
	return p
}

// RotateKey has the provider sign with another key, the only one it publishes.
func (p *Provider) RotateKey() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.keyID = key, rand.Text()
}

// Set changes a claim of the person.
func (p *Provider) Set(name string, value any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.person[name] = value
}

// Forge changes the ID tokens to come; nil ends that.
func (p *Provider) Forge(change func(claims map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change = change
}

// Refuse has the provider send people back without a login.
func (p *Provider) Refuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = refuse
}

// EndSessions takes back all refresh tokens.
func (p *Provider) EndSessions() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.refresh)
}

// Requests is how often a path was asked for.
func (p *Provider) Requests(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[path]
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, 200, map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token", "userinfo_endpoint": p.Issuer + "/userinfo",
		"jwks_uri": p.Issuer + "/keys", "end_session_endpoint": p.Issuer + "/logout", "id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: p.keyID, Algorithm: "ES256", Use: "sig"}}})
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != p.ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" {
		http.Error(w, "not a request for a code with PKCE", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.Issuer}}
	if p.refused {
		back.Set("error", "access_denied")
	} else {
		code := "4/" + rand.Text() // some providers' codes need escaping
		p.codes[code] = grant{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
		back.Set("code", code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != p.ClientID || secret != p.ClientSecret {
		answer(w, 401, map[string]any{"error": "invalid_client"})
		return
	}
	var g grant
	ok := false
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		code := r.PostFormValue("code")
		g, ok = p.codes[code]
		delete(p.codes, code)
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		ok = ok && g.challenge == base64.RawURLEncoding.EncodeToString(sum[:]) && g.redirect == r.PostFormValue("redirect_uri")
	case "refresh_token":
		token := r.PostFormValue("refresh_token")
		g, ok = p.refresh[token]
		delete(p.refresh, token) // each is good for one
		g.nonce = ""
	}
	if !ok {
		answer(w, 400, map[string]any{"error": "invalid_grant"})
		return
	}
	access, refresh := rand.Text(), rand.Text()
	p.access[access], p.refresh[refresh] = true, g
	answer(w, 200, map[string]any{"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": int(TokenTime / time.Second), "id_token": p.idToken(g.nonce, access)})
}

func (p *Provider) idToken(nonce, access string) string {
	sum := sha256.Sum256([]byte(access))
	claims := maps.Clone(p.person)
	maps.Copy(claims, map[string]any{"iss": p.Issuer, "aud": p.ClientID, "iat": p.now().Unix(), "exp": p.now().Add(TokenTime).Unix(), "sid": "provider-session",
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16])})
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if p.change != nil {
		p.change(claims)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: p.keyID}}, nil)
	if err != nil {
		panic(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	token := r.Header.Get("Authorization")
	if len(token) < 8 || !p.access[token[len("Bearer "):]] {
		answer(w, 401, map[string]any{"error": "invalid_token"})
		return
	}
	answer(w, 200, p.person)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client notices
}
