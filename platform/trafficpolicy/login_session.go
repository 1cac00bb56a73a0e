package trafficpolicy

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"golang.org/x/oauth2"
)

// session is a login, as its cookie holds it.
type session struct {
	ID       string    `json:"id"`
	Identity identity  `json:"identity"`
	Access   string    `json:"access"`
	Refresh  string    `json:"refresh,omitempty"`
	IDToken  string    `json:"id_token,omitempty"`
	Expires  time.Time `json:"expires,omitzero"` // of the access token; zero: never
	Began    time.Time `json:"began"`
	Seen     time.Time `json:"seen"`  // about
	Asked    time.Time `json:"asked"` // the provider, who the person is
}

func newSession(id string, who identity, token *oauth2.Token, now time.Time) *session {
	s := &session{ID: id, Identity: who, Began: now, Seen: now, Asked: now}
	s.take(token)
	return s
}

// take keeps a fresh token.
func (s *session) take(token *oauth2.Token) {
	s.Access, s.Expires = token.AccessToken, token.Expiry
	if token.RefreshToken != "" {
		s.Refresh = token.RefreshToken
	}
	if raw, _ := token.Extra("id_token").(string); raw != "" {
		s.IDToken = raw
	}
}

func (s *session) token() *oauth2.Token {
	return &oauth2.Token{AccessToken: s.Access, RefreshToken: s.Refresh, Expiry: s.Expires, TokenType: "Bearer"}
}

// ended says why a session counts no more.
type ended struct{ timedOut, maxReached bool }

// session reads the cookie; nil when there is none that counts.
func (t *loginAttempt) session() (*session, ended) {
	var s session
	if !t.open(sessionCookieOf+t.tag, &s) {
		return nil, ended{}
	}
	e := ended{timedOut: t.idle > 0 && t.now.Sub(s.Seen) > t.idle, maxReached: t.now.Sub(s.Began) > t.maxSession}
	if e.timedOut || e.maxReached {
		return nil, e
	}
	return &s, ended{}
}

// admit lets the request of a session pass, with what is due: a fresh token, fresh
// information about the person, a new cookie. It returns false when the person has
// to log in again.
func (t *loginAttempt) admit(ctx context.Context, s *session) (admitted bool, err error) {
	changed, refreshed := false, false
	if s.Refresh != "" && !s.Expires.IsZero() && !t.now.Before(s.Expires.Add(-clockSkew)) {
		fresh, gone := t.refresh(ctx, s)
		switch {
		case gone:
			return false, nil
		case fresh != nil:
			*s, changed = *fresh, true
		}
	}
	if t.userinfoEvery > 0 && t.now.Sub(s.Asked) >= t.userinfoEvery && t.locate(ctx) == nil {
		if who, err := t.provider.userinfo(ctx, t, s.token()); err == nil && who.ProviderUserID == s.Identity.ProviderUserID {
			who.SessionID = s.Identity.SessionID
			s.Identity, s.Asked, changed, refreshed = who, t.now, true, true
		}
	}
	if t.idle > 0 && t.now.Sub(s.Seen) > min(t.idle/10, time.Minute) {
		s.Seen, changed = t.now, true
	}
	if changed {
		if err := t.keep(s); err != nil {
			return false, err
		}
	}
	t.publish(s, refreshed)
	hideCookies(&t.r.vars.Request.Header)
	return true, nil
}

// keep sets the session's cookie on the response to come.
func (t *loginAttempt) keep(s *session) error {
	value, err := t.seal(sessionCookieOf+t.tag, s)
	if err != nil {
		return err
	}
	return t.setCookie(&t.r.pending, sessionCookieOf+t.tag, value, t.domain, t.maxSession-t.now.Sub(s.Began))
}

func (t *loginAttempt) publish(s *session, refreshed bool) {
	who := s.Identity
	claims := who.Claims
	if claims == nil {
		claims = map[string]any{}
	}
	var expires ref.Val
	if !s.Expires.IsZero() {
		expires = types.Timestamp{Time: s.Expires.UTC()}
	}
	for _, secret := range []string{s.Access, s.Refresh, s.IDToken} {
		t.r.vars.KeepSecret(secret)
	}
	t.r.facts.Login, t.r.facts.LoginUser = "allow", cmp.Or(who.Email, who.ID)
	t.tell(types.String(who.ID), types.String(who.ProviderUserID), types.String(who.Email), types.String(who.Name),
		types.DefaultTypeAdapter.NativeToValue(claims), types.String(s.ID), types.String(who.SessionID),
		types.String(s.Access), types.String(s.Refresh), expires, types.False, types.False, types.Bool(refreshed), nil, nil, types.String(s.IDToken))
}

// tell publishes results; without the last where the action has no ID token.
func (t *loginAttempt) tell(values ...ref.Val) { t.r.vars.Publish(t.slot, values[:t.results]...) }

// refreshes has requests of a session that come at the same time share one
// refresh: many providers take a refresh token only once.
type refreshes struct {
	mu  sync.Mutex
	all map[string]*refresh
}

type refresh struct {
	done  chan struct{}
	began time.Time
	fresh *session
	gone  bool
}

// refreshKept is how long the result serves requests that still have the old
// cookie.
const refreshKept = 30 * time.Second

// refresh gets a fresh token. gone means that the provider takes the session for
// ended; without either the old token stays.
func (t *loginAttempt) refresh(ctx context.Context, s *session) (fresh *session, gone bool) {
	key := s.ID + " " + s.Refresh
	t.refreshes.mu.Lock()
	if t.refreshes.all == nil {
		t.refreshes.all = map[string]*refresh{}
	}
	for k, r := range t.refreshes.all {
		if t.now.Sub(r.began) > refreshKept {
			delete(t.refreshes.all, k)
		}
	}
	r, running := t.refreshes.all[key]
	if !running {
		r = &refresh{done: make(chan struct{}), began: t.now}
		t.refreshes.all[key] = r
	}
	t.refreshes.mu.Unlock()
	if !running {
		r.fresh, r.gone = t.exchangeRefresh(ctx, s)
		close(r.done)
		return r.fresh, r.gone
	}
	select {
	case <-r.done:
		return r.fresh, r.gone
	case <-ctx.Done():
		return nil, false
	}
}

func (t *loginAttempt) exchangeRefresh(ctx context.Context, s *session) (*session, bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerTimeout) // others wait for it
	defer cancel()
	if t.locate(ctx) != nil {
		return nil, false
	}
	token, err := t.oauth.TokenSource(t.withClient(ctx), &oauth2.Token{RefreshToken: s.Refresh}).Token()
	if err != nil {
		var refused *oauth2.RetrieveError
		return nil, errors.As(err, &refused) && refused.ErrorCode == "invalid_grant"
	}
	fresh := *s
	fresh.take(token)
	if raw, _ := token.Extra("id_token").(string); raw != "" {
		who, err := t.provider.identify(ctx, t, token, "")
		if err != nil || who.ProviderUserID != s.Identity.ProviderUserID {
			return nil, true
		}
		fresh.Identity = who
	}
	return &fresh, false
}
