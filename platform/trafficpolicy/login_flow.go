package trafficpolicy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"golang.org/x/oauth2"

	"sluice.dev/platform/message"
)

// Paths that a login answers itself. Those of the published language work too.
const (
	loginCallback = "/sluice/oauth2/callback"
	// flowTime is how long a person may take to log in.
	flowTime = 15 * time.Minute
)

// flow is a login that has begun, as its cookie holds it.
type flow struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // of PKCE
	Path     string    `json:"path"`     // to go to in the end
	Began    time.Time `json:"began"`
}

func (a *login) run(ctx context.Context, r *Run) (*Outcome, error) {
	req := r.vars.Request
	if a.preflight && req.Method == http.MethodOptions && req.Header.Has("origin") && req.Header.Has("access-control-request-method") {
		return nil, nil //nolint:nilnil // the phase goes on
	}
	t, err := a.prepare(r)
	if err != nil {
		return nil, err
	}
	query := req.Query()
	mine := query.Get("auth_id") == a.authID
	switch path := req.Path(); {
	case path == loginCallback && strings.HasSuffix(query.Get("state"), "."+t.tag):
		return t.callback(ctx, query)
	case mine && (path == "/sluice/logout" || path == "/ngrok/logout"):
		return t.logout(ctx, query)
	case mine && (path == "/sluice/login" || path == "/ngrok/login"):
		return t.begin(ctx, localPath(query.Get("redirect_path")), ended{})
	}
	s, why := t.session()
	if s != nil {
		if admitted, err := t.admit(ctx, s); admitted || err != nil {
			return nil, err
		}
	}
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return t.refuse(CodeLoginRequired, why), nil
	}
	return t.begin(ctx, localPath(req.Target), why)
}

// localPath is a place of this host to go to; everything else leads to the root.
func localPath(target string) string {
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || strings.ContainsAny(target, "\\\r\n\t") {
		return "/"
	}
	return target
}

func (t *loginAttempt) scheme() string {
	if s := t.r.vars.Endpoint.Scheme; s != "" {
		return s
	}
	return t.r.vars.Request.Scheme
}

// base is the URL of this host as its visitors see it.
func (t *loginAttempt) base() string { return t.scheme() + "://" + t.r.vars.Request.Host }

// begin sends a person to the provider.
func (t *loginAttempt) begin(ctx context.Context, path string, why ended) (*Outcome, error) {
	if err := t.locate(ctx); err != nil {
		return nil, err
	}
	f := flow{State: rand.Text() + "." + t.tag, Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Path: path, Began: t.now}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(f.Verifier)}
	if slices.Contains(t.scopes, "openid") {
		options = append(options, oauth2.SetAuthURLParam("nonce", f.Nonce))
	}
	for i := range t.params {
		value, err := t.params[i].value.Render(&t.r.vars)
		if err != nil {
			return nil, &failure{CodeTemplateFailed, err}
		}
		options = append(options, oauth2.SetAuthURLParam(t.params[i].name, value))
	}
	t.r.facts.Login = "login"
	t.r.keepSecrets(f.State, f.Nonce)
	header := message.Header{}
	name := flowCookie(f.State)
	value, err := t.seal(name, f)
	if err == nil {
		err = t.setCookie(&header, name, value, "", flowTime)
	}
	if err != nil {
		return nil, err
	}
	header.Add("location", t.oauth.AuthCodeURL(f.State, options...))
	header.Add("cache-control", "no-store")
	t.fail(CodeLoginRequired, why)
	return &Outcome{Response: message.NewResponse(http.StatusFound, header, "")}, nil
}

// keepLoginSecrets keeps what a provider sends people back with out of records: who
// has the code and state could log in as them. It is done whatever rule answers.
func (r *Run) keepLoginSecrets(req *message.Request) {
	if req.Path() != loginCallback {
		return
	}
	query := req.Query()
	for _, name := range []string{"code", "state", "session_state"} {
		r.keepSecrets(query[name]...)
	}
}

// minKept is how long a value must be to be looked for in a record: a shorter one
// would be found in texts that have nothing to do with it.
const minKept = 6

// keepSecrets keeps values that the exchange carries out of records and traces.
func (r *Run) keepSecrets(values ...string) {
	for _, value := range values {
		if len(value) >= minKept {
			r.vars.KeepSecret(value)
			r.facts.Secrets = append(r.facts.Secrets, value)
		}
	}
}

// flowCookie has a name of its own for each login, so that several can be under
// way.
func flowCookie(state string) string {
	return flowCookieOf + state[strings.LastIndexByte(state, '.')+1:] + "_" + state[:min(8, len(state))]
}

// callback is where the provider sends a person back.
func (t *loginAttempt) callback(ctx context.Context, query url.Values) (*Outcome, error) {
	var f flow
	state := query.Get("state")
	if !t.open(flowCookie(state), &f) || f.State != state || t.now.Sub(f.Began) > flowTime {
		return t.refuse(CodeLoginState, ended{}), nil
	}
	if query.Get("error") != "" {
		return t.refuse(CodeLoginRefused, ended{}), nil
	}
	if err := t.locate(ctx); err != nil {
		return nil, err
	}
	if issuer := query.Get("iss"); issuer != "" && t.places.issuer != "" && issuer != t.places.issuer { // RFC 9207
		return t.refuse(CodeLoginRefused, ended{}), nil
	}
	limited, cancel := context.WithTimeout(ctx, providerTimeout)
	defer cancel()
	token, err := t.oauth.Exchange(t.withClient(limited), query.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return t.exchangeFailed(ctx, err)
	}
	who, err := t.provider.identify(limited, t, token, f.Nonce)
	if err != nil {
		return t.exchangeFailed(ctx, err)
	}
	header := message.Header{}
	if err := t.keep(newSession("ls_"+rand.Text(), who, token, t.now)); err != nil {
		return nil, err
	}
	header = append(header, t.r.pending...)
	t.r.pending = nil
	if err := t.setCookie(&header, flowCookie(state), "", "", 0); err != nil {
		return nil, err
	}
	header.Add("location", f.Path)
	header.Add("cache-control", "no-store")
	return &Outcome{Response: message.NewResponse(http.StatusFound, header, "")}, nil
}

// exchangeFailed: the provider refused the code or sent something that does not
// hold, or it cannot be reached.
func (t *loginAttempt) exchangeFailed(ctx context.Context, err error) (*Outcome, error) {
	var refused *oauth2.RetrieveError
	var distrusted *untrustedError
	if ctx.Err() == nil && (errors.As(err, &refused) && refused.Response.StatusCode < 500 || errors.As(err, &distrusted)) {
		out := t.refuse(CodeLoginRefused, ended{})
		out.Cause = errors.New(t.r.vars.Hide(describeRetrieve(err)))
		return out, nil
	}
	return nil, t.unreachable(ctx, err)
}

// describeRetrieve leaves out the body of the provider's answer.
func describeRetrieve(err error) string {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return fmt.Sprintf("the provider answers %d %q", refused.Response.StatusCode, refused.ErrorCode)
	}
	return err.Error()
}

// untrustedError is an answer of the provider that cannot be relied on.
type untrustedError struct{ reason string }

func (e *untrustedError) Error() string { return e.reason }

// logout forgets the session, and has the provider forget its own where it can
// (OpenID Connect RP-Initiated Logout 1.0).
func (t *loginAttempt) logout(ctx context.Context, query url.Values) (*Outcome, error) {
	header := message.Header{}
	name := sessionCookieOf + t.tag
	s, _ := t.session()
	if t.hasCookie(name) {
		if err := t.setCookie(&header, name, "", t.domain, 0); err != nil {
			return nil, err
		}
	}
	header.Add("cache-control", "no-store")
	to := ""
	if query.Has("redirect_path") {
		to = t.base() + localPath(query.Get("redirect_path"))
	}
	if t.locate(ctx) == nil && t.places.logout != "" {
		if u, err := url.Parse(t.places.logout); err == nil {
			q := u.Query()
			q.Set("client_id", t.oauth.ClientID)
			q.Set("post_logout_redirect_uri", t.base()+localPath(query.Get("redirect_path")))
			if s != nil && s.IDToken != "" {
				q.Set("id_token_hint", s.IDToken)
			}
			u.RawQuery = q.Encode()
			to = u.String()
		}
	}
	if to != "" {
		header.Add("location", to)
		return &Outcome{Response: message.NewResponse(http.StatusFound, header, "")}, nil
	}
	header.Add("content-type", "text/plain; charset=utf-8")
	return &Outcome{Response: message.NewResponse(http.StatusOK, header, "You are logged out.\n")}, nil
}

func (t *loginAttempt) refuse(code Code, why ended) *Outcome {
	t.fail(code, why)
	t.r.facts.Login = "block"
	out := refuse(code)
	out.Response.Header.Add("cache-control", "no-store")
	return out
}

// fail publishes why the request does not pass.
func (t *loginAttempt) fail(code Code, why ended) {
	t.tell(nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, types.Bool(why.timedOut), types.Bool(why.maxReached), types.False,
		types.String(code), types.String(code.info().Meaning), nil)
}
