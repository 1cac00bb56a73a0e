package trafficpolicy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"sluice.dev/platform/trafficpolicy/expr"
)

func init() {
	register(ActionInfo{
		Type:        "openid-connect",
		Summary:     "Has people log in at an OpenID Connect provider. Register https://HOST/sluice/oauth2/callback there. Who logged in is a result that later rules can judge; /sluice/logout ends the login.",
		Phases:      []Phase{OnHTTPRequest},
		Terminating: Sometimes,
		Fields: loginFields("idle_session_duration",
			Field{Name: "issuer_url", Kind: Text, Template: true, Required: true, Min: 1, Description: "The provider; its discovery document is at /.well-known/openid-configuration below.", Example: "https://accounts.google.com"},
			Field{Name: "client_id", Kind: Text, Template: true, Required: true, Min: 1, Description: "Id of the application at the provider.", Example: "sluice"},
			Field{Name: "client_secret", Kind: Text, Template: true, Description: "Its secret; leave it out for a public client.", Example: "\"${secrets.get('login', 'client-secret')}\""},
		),
		Results: loginResults(ResultInfo{"identity_token", cel.StringType, "The ID token."}),
	}, newOpenIDConnect)
}

func newOpenIDConnect(c *config) action {
	p := &openIDProvider{issuer: c.text("issuer_url"), known: map[string]*discovered{}}
	if text, static := p.issuer.Static(); static && text != "" && checkCallURL(text) != nil {
		if strings.ContainsAny(text, "<>{}$") {
			c.compiler.warn(c.get("issuer_url").node, c.get("issuer_url").path, CodeURL, fmt.Sprintf("%q is a placeholder", text), "such as https://accounts.google.com")
		} else {
			c.fault("issuer_url", CodeURL, fmt.Sprintf("%q is not an http or https URL", text), "such as https://accounts.google.com")
		}
	}
	a := newLogin(c, p, "idle_session_duration", []string{"openid", "profile", "email"})
	if !slices.Contains(a.scopes, "openid") {
		a.scopes = append([]string{"openid"}, a.scopes...)
	}
	return a
}

// openIDProvider is found by its discovery document.
type openIDProvider struct {
	issuer *expr.Template

	mu    sync.Mutex
	known map[string]*discovered
}

// How discovery documents are kept.
const (
	discoveryFresh = time.Hour
	maxDiscovered  = 64
)

type discovered struct {
	places providerPlaces
	at     time.Time
}

func (p *openIDProvider) name() string { return "oidc " + p.issuer.Source() }

func (p *openIDProvider) locate(ctx context.Context, r *Run) (*providerPlaces, error) {
	issuer, err := p.issuer.Render(&r.vars)
	if err != nil {
		return nil, &failure{CodeTemplateFailed, err}
	}
	if err := checkCallURL(issuer); err != nil {
		return nil, &failure{CodeLoginConfig, fmt.Errorf("issuer_url is %w", err)}
	}
	now := r.vars.Time()
	p.mu.Lock()
	d := p.known[issuer]
	p.mu.Unlock()
	if d != nil && now.Sub(d.at) < discoveryFresh {
		return &d.places, nil
	}
	places, err := discover(ctx, r.services.HTTP, issuer)
	switch {
	case err == nil:
	case d != nil && ctx.Err() == nil:
		return &d.places, nil // it was right an hour ago
	default:
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxDiscovered {
		clear(p.known)
	}
	p.known[issuer] = &discovered{*places, now}
	return places, nil
}

// discover reads the provider's metadata (OpenID Connect Discovery 1.0).
func discover(ctx context.Context, client HTTPClient, issuer string) (*providerPlaces, error) {
	var doc struct {
		Issuer     string   `json:"issuer"`
		Authorize  string   `json:"authorization_endpoint"`
		Token      string   `json:"token_endpoint"`
		Userinfo   string   `json:"userinfo_endpoint"`
		Logout     string   `json:"end_session_endpoint"`
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
		Methods    []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := askJSON(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", "", &doc); err != nil {
		return nil, err
	}
	if doc.Issuer != issuer {
		return nil, fmt.Errorf("the provider calls itself %q, and the policy %q", doc.Issuer, issuer)
	}
	for name, text := range map[string]string{"authorization_endpoint": doc.Authorize, "token_endpoint": doc.Token, "jwks_uri": doc.Keys} {
		if u, err := url.Parse(text); err != nil || u.Host == "" {
			return nil, fmt.Errorf("the provider's %s is %q", name, text)
		}
	}
	p := &providerPlaces{issuer: doc.Issuer, authorize: doc.Authorize, token: doc.Token, userinfo: doc.Userinfo, logout: doc.Logout, keys: doc.Keys}
	for _, algorithm := range doc.Algorithms {
		if slices.Contains(tokenAlgorithms, algorithm) {
			p.algorithms = append(p.algorithms, algorithm)
		}
	}
	p.inHeader = len(doc.Methods) == 0 || slices.Contains(doc.Methods, "client_secret_basic")
	return p, nil
}

// identify verifies the ID token (OpenID Connect Core 1.0 section 3.1.3.7).
func (p *openIDProvider) identify(ctx context.Context, t *loginAttempt, token *oauth2.Token, nonce string) (identity, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return identity{}, &untrustedError{"the provider sent no ID token"}
	}
	verifier := oidc.NewVerifier(t.places.issuer, cachedKeys{t.r.services.KeySets, t.places.keys}, &oidc.Config{
		ClientID: t.oauth.ClientID, SupportedSigningAlgs: t.places.algorithms, Now: t.r.services.Now,
	})
	id, err := verifier.Verify(ctx, raw)
	switch {
	case err != nil:
		return identity{}, &untrustedError{"the ID token: " + err.Error()}
	case nonce != "" && id.Nonce != nonce:
		return identity{}, &untrustedError{"the ID token is for another login"}
	case id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil:
		return identity{}, &untrustedError{"the ID token is for another access token"}
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return identity{}, &untrustedError{"the ID token: " + err.Error()}
	}
	who := identityOf(t.places.issuer, claims)
	if who.Email == "" && t.places.userinfo != "" { // some tell it only there
		if more, err := p.userinfo(ctx, t, token); err == nil && more.ProviderUserID == who.ProviderUserID {
			who.Email, who.Name = more.Email, more.Name
		}
	}
	return who, nil
}

func (p *openIDProvider) userinfo(ctx context.Context, t *loginAttempt, token *oauth2.Token) (identity, error) {
	var claims map[string]any
	if err := askJSON(ctx, t.r.services.HTTP, t.places.userinfo, token.AccessToken, &claims); err != nil {
		return identity{}, err
	}
	return identityOf(t.places.issuer, claims), nil
}

// identityOf reads the standard claims (OpenID Connect Core 1.0 section 5.1).
func identityOf(issuer string, claims map[string]any) identity {
	text := func(names ...string) string {
		for _, name := range names {
			switch v := claims[name].(type) {
			case string:
				if v != "" {
					return v
				}
			case json.Number:
				return v.String()
			case float64:
				return fmt.Sprintf("%.0f", v)
			}
		}
		return ""
	}
	sub := text("sub", "id", "user_id")
	kept := map[string]any{}
	for name, value := range claims {
		switch name {
		case "iat", "exp", "nbf", "nonce", "at_hash", "c_hash", "auth_time", "sid", "azp", "jti":
		default:
			kept[name] = value
		}
	}
	email := text("email", "mail")
	if verified, told := claims["email_verified"].(bool); told && !verified {
		email = "" // anyone could have given it
	}
	return identity{ID: issuer + "#" + sub, ProviderUserID: sub, Email: email, Name: text("name", "preferred_username", "login"), SessionID: text("sid"), Claims: kept}
}

// cachedKeys verifies with a key set that is kept.
type cachedKeys struct {
	sets *KeySets
	url  string
}

// VerifySignature implements oidc.KeySet.
func (k cachedKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	if k.sets == nil {
		return nil, errNoKeySets
	}
	keys, err := k.sets.keys(ctx, k.url)
	if err != nil {
		return nil, err
	}
	static := &oidc.StaticKeySet{}
	for round := range 2 {
		for _, key := range keys {
			static.PublicKeys = append(static.PublicKeys, key.Key)
		}
		payload, err := static.VerifySignature(ctx, jwt)
		if err == nil || round == 1 {
			return payload, err
		}
		if keys, err = k.sets.refetch(ctx, k.url); err != nil { // the provider may have new keys
			return nil, err
		}
	}
	return nil, errSignature
}
