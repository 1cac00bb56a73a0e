package trafficpolicy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"golang.org/x/oauth2"

	"sluice.dev/platform/trafficpolicy/expr"
)

// login has people log in at an identity provider, by the authorization code flow
// with PKCE (RFC 6749 section 4.1, RFC 7636), and remembers them in an encrypted
// cookie. The gateway keeps no sessions: any proxy can read the cookie.
type login struct {
	slot          int
	results       int // how many it publishes
	action        string
	authID        string
	provider      identityProvider
	clientID      *expr.Template
	clientSecret  *expr.Template
	scopes        []string
	params        []headerTemplate // of the authorization URL
	maxSession    time.Duration
	idle          time.Duration // 0: any
	userinfoEvery time.Duration // 0: never
	preflight     bool          // CORS preflights pass
	domain        string        // of the session cookie
	refreshes     refreshes
}

// identityProvider is where people log in.
type identityProvider interface {
	// locate returns where to send people and requests.
	locate(ctx context.Context, r *Run) (*providerPlaces, error)
	// identify says who a fresh token is for. nonce is "" when the token came of
	// a refresh.
	identify(ctx context.Context, a *loginAttempt, token *oauth2.Token, nonce string) (identity, error)
	// userinfo asks again for what may have changed.
	userinfo(ctx context.Context, a *loginAttempt, token *oauth2.Token) (identity, error)
}

// providerPlaces are the URLs of a provider.
type providerPlaces struct {
	issuer, authorize, token, userinfo, logout, keys string
	inHeader                                         bool // the client authenticates by HTTP Basic; else in the form
	algorithms                                       []string
}

// identity is a person as the provider knows them.
type identity struct {
	ID             string         `json:"id,omitempty"` // unique over providers
	ProviderUserID string         `json:"sub,omitempty"`
	Email          string         `json:"email,omitempty"`
	Name           string         `json:"name,omitempty"`
	SessionID      string         `json:"sid,omitempty"` // of the provider
	Claims         map[string]any `json:"claims,omitempty"`
}

func loginFields(idleName string, own ...Field) []Field {
	return append(own,
		Field{Name: "scopes", Kind: Texts, Max: 50, Description: "What to ask the provider for. By default what tells who the person is.", Example: "[openid, profile, email]"},
		Field{Name: "authz_url_params", Kind: TextMap, Template: true, Max: 20, Description: "Further parameters of the URL that people are sent to.", Example: "{prompt: select_account}"},
		Field{Name: "max_session_duration", Kind: Duration, Default: 14 * 24 * time.Hour, Min: int64(time.Minute), Max: int64(90 * 24 * time.Hour), Description: "After that people log in again."},
		Field{Name: idleName, Kind: Duration, Default: time.Duration(0), Min: int64(time.Minute), Max: int64(90 * 24 * time.Hour), Description: "Without a request for that long people log in again. By default only max_session_duration counts."},
		Field{Name: "userinfo_refresh_interval", Kind: Duration, Default: time.Duration(0), Min: int64(time.Minute), Max: int64(90 * 24 * time.Hour), Description: "How often to ask the provider again who the person is. By default only at the login."},
		Field{Name: "allow_cors_preflight", Kind: Boolean, Default: false, Description: "Let OPTIONS requests of browsers pass that ask whether a page may call; they carry no cookies."},
		Field{Name: "auth_cookie_domain", Kind: Text, Max: 253, Description: "Domain of the session cookie, to share a login among hosts. By default only this host has it.", Example: "example.com"},
		Field{Name: "auth_id", Kind: Text, Max: 64, Description: "Tells several logins of a policy apart, also in /sluice/login?auth_id=.", Example: "staff"},
	)
}

func loginResults(more ...ResultInfo) []ResultInfo {
	return append([]ResultInfo{
		{"identity.id", cel.StringType, "The person, unique over all providers."},
		{"identity.provider_user_id", cel.StringType, "The person's id at the provider."},
		{"identity.email", cel.StringType, "Their e-mail address; empty when the provider does not tell, or says that it is not verified."},
		{"identity.name", cel.StringType, "Their name."},
		{"identity.claims", cel.MapType(cel.StringType, cel.DynType), "What the provider says of them."},
		{"identity.current_session_id", cel.StringType, "This login."},
		{"identity.current_provider_session_id", cel.StringType, "The provider's session (claim sid); may be empty."},
		{"access_token", cel.StringType, "Token for the provider's API."},
		{"refresh_token", cel.StringType, "Token to get others with; may be empty."},
		{"expires_at", cel.TimestampType, "When the access token expires."},
		{"session_timed_out", cel.BoolType, "Whether a login is due because of the idle time."},
		{"session_max_duration_reached", cel.BoolType, "Whether a login is due because the last is too long ago."},
		{"userinfo_refreshed", cel.BoolType, "Whether the provider was asked again who the person is."},
		{"error.code", cel.StringType, "Code of the refusal."},
		{"error.message", cel.StringType, "Text of the refusal."},
	}, more...)
}

func newLogin(c *config, p identityProvider, idleName string, defaultScopes []string) *login {
	a := &login{
		slot: c.spec.slot, results: len(c.spec.Results), action: c.spec.Type, authID: c.word("auth_id"), provider: p, clientID: c.text("client_id"), clientSecret: c.text("client_secret"),
		scopes: c.words("scopes"), maxSession: c.duration("max_session_duration"), idle: c.duration(idleName), userinfoEvery: c.duration("userinfo_refresh_interval"),
		preflight: c.boolean("allow_cors_preflight"), domain: strings.TrimPrefix(strings.ToLower(c.word("auth_cookie_domain")), "."),
	}
	if len(a.scopes) == 0 {
		a.scopes = defaultScopes
	}
	for _, p := range c.get("authz_url_params").pairs {
		if p.value != nil {
			a.params = append(a.params, headerTemplate{name: p.name, value: p.value})
		}
	}
	if a.domain != "" && !hostName(a.domain) {
		c.fault("auth_cookie_domain", CodeValue, "is not a domain", "such as example.com")
	}
	c.compiler.observes, c.compiler.logsIn = true, true // it sets cookies
	return a
}

// loginAttempt is one run of the action.
type loginAttempt struct {
	*login
	r      *Run
	places *providerPlaces
	oauth  oauth2.Config
	tag    string // names this login in cookies and states
	key    []byte
	now    time.Time
}

var (
	errNoApplication = errors.New("the policy names no client_id, and this gateway has no application of its own at the provider")
	errNoSessionKey  = errors.New("this gateway has no key for sessions")
	errNoLoginClient = errors.New("this gateway has no way to make requests")
)

// prepare renders what the request decides.
func (a *login) prepare(r *Run) (*loginAttempt, error) {
	id, err := a.clientID.Render(&r.vars)
	if err != nil {
		return nil, &failure{CodeTemplateFailed, err}
	}
	secret, err := a.clientSecret.Render(&r.vars)
	switch {
	case err != nil:
		return nil, &failure{CodeTemplateFailed, err}
	case id == "":
		return nil, &failure{CodeLoginConfig, errNoApplication}
	case len(r.services.SessionKey) == 0:
		return nil, &failure{CodeLoginConfig, errNoSessionKey}
	case r.services.HTTP == nil:
		return nil, &failure{CodeLoginConfig, errNoLoginClient}
	}
	r.vars.KeepSecret(secret)
	sum := sha256.Sum256([]byte(strings.Join([]string{a.action, a.authID, a.provider.(interface{ name() string }).name(), id}, "\x00")))
	t := &loginAttempt{login: a, r: r, tag: hex.EncodeToString(sum[:5]), now: r.vars.Time()}
	t.key = sessionKey(r.services.SessionKey, hex.EncodeToString(sum[:])+t.scope())
	t.oauth = oauth2.Config{ClientID: id, ClientSecret: secret, Scopes: a.scopes, RedirectURL: t.base() + loginCallback}
	return t, nil
}

// scope is where a session counts: at one endpoint, or in one domain.
func (t *loginAttempt) scope() string {
	if t.domain != "" {
		return "domain " + t.domain
	}
	return "endpoint " + t.r.vars.Endpoint.ID
}

// locate finds the provider.
func (t *loginAttempt) locate(ctx context.Context) error {
	places, err := t.provider.locate(ctx, t.r)
	if err != nil {
		return t.unreachable(ctx, err)
	}
	style := oauth2.AuthStyleInParams
	if places.inHeader {
		style = oauth2.AuthStyleInHeader
	}
	t.places = places
	t.oauth.Endpoint = oauth2.Endpoint{AuthURL: places.authorize, TokenURL: places.token, AuthStyle: style}
	return nil
}

func (t *loginAttempt) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	if f := asFailure(err); f != nil {
		return f
	}
	return &failure{CodeLoginProvider, err}
}

// withClient has the libraries ask through the policy's own client.
func (t *loginAttempt) withClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: policyTransport{t.r.services.HTTP}, CheckRedirect: noRedirect})
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
