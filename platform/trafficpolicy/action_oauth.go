package trafficpolicy

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/oauth2"
)

func init() {
	register(ActionInfo{
		Type:        "oauth",
		Summary:     "Has people log in at a well-known provider. Register an application there, with https://HOST/sluice/oauth2/callback. Who logged in is a result that later rules can judge; /sluice/logout ends the login.",
		Phases:      []Phase{OnHTTPRequest},
		Terminating: Sometimes,
		Fields: loginFields("idle_session_timeout",
			Field{Name: "provider", Kind: Enum, Required: true, Values: slices.Sorted(maps.Keys(oauthProviders)), Description: "Where people log in.", Example: "github"},
			Field{Name: "client_id", Kind: Text, Template: true, Description: "Id of the application. Without one nobody can log in: this gateway has no application of its own.", Example: "Iv1.0123456789abcdef"},
			Field{Name: "client_secret", Kind: Text, Template: true, Description: "Its secret.", Example: "\"${secrets.get('login', 'github')}\""},
		),
		Results: loginResults(),
	}, newOAuth)
}

func newOAuth(c *config) action {
	p := oauthProviders[c.word("provider")]
	if !c.has("client_id") {
		c.compiler.warn(c.node, c.path, CodeDependent, "oauth has no client_id: the gateway has no application of its own, so nobody can log in", "register an application at the provider and give its client_id and client_secret")
	}
	return newLogin(c, p, "idle_session_timeout", p.scopes)
}

// oauthProvider is one whose places are known. It tells who a person is when it
// is asked with their token.
type oauthProvider struct {
	key    string
	places providerPlaces
	scopes []string
	emails string // where to ask for addresses when the person shows none
}

// oauthProviders are the providers of the language, with the URLs that they
// document.
var oauthProviders = map[string]oauthProvider{
	"amazon": {key: "amazon", scopes: []string{"profile"}, places: providerPlaces{
		authorize: "https://www.amazon.com/ap/oa", token: "https://api.amazon.com/auth/o2/token", userinfo: "https://api.amazon.com/user/profile"}},
	"facebook": {key: "facebook", scopes: []string{"email", "public_profile"}, places: providerPlaces{
		authorize: "https://www.facebook.com/v23.0/dialog/oauth", token: "https://graph.facebook.com/v23.0/oauth/access_token", userinfo: "https://graph.facebook.com/v23.0/me?fields=id,name,email"}},
	"github": {key: "github", scopes: []string{"read:user", "user:email"}, emails: "https://api.github.com/user/emails", places: providerPlaces{
		authorize: "https://github.com/login/oauth/authorize", token: "https://github.com/login/oauth/access_token", userinfo: "https://api.github.com/user"}},
	"gitlab": {key: "gitlab", scopes: []string{"openid", "profile", "email"}, places: providerPlaces{
		authorize: "https://gitlab.com/oauth/authorize", token: "https://gitlab.com/oauth/token", userinfo: "https://gitlab.com/oauth/userinfo"}},
	"google": {key: "google", scopes: []string{"openid", "profile", "email"}, places: providerPlaces{
		authorize: "https://accounts.google.com/o/oauth2/v2/auth", token: "https://oauth2.googleapis.com/token", userinfo: "https://openidconnect.googleapis.com/v1/userinfo"}},
	"linkedin": {key: "linkedin", scopes: []string{"openid", "profile", "email"}, places: providerPlaces{
		authorize: "https://www.linkedin.com/oauth/v2/authorization", token: "https://www.linkedin.com/oauth/v2/accessToken", userinfo: "https://api.linkedin.com/v2/userinfo"}},
	"microsoft": {key: "microsoft", scopes: []string{"openid", "profile", "email"}, places: providerPlaces{
		authorize: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize", token: "https://login.microsoftonline.com/common/oauth2/v2.0/token", userinfo: "https://graph.microsoft.com/oidc/userinfo"}},
	"twitch": {key: "twitch", scopes: []string{"openid", "user:read:email"}, places: providerPlaces{
		authorize: "https://id.twitch.tv/oauth2/authorize", token: "https://id.twitch.tv/oauth2/token", userinfo: "https://id.twitch.tv/oauth2/userinfo"}},
}

func (p oauthProvider) name() string { return "oauth " + p.key }

func (p oauthProvider) locate(context.Context, *Run) (*providerPlaces, error) { return &p.places, nil }

func (p oauthProvider) identify(ctx context.Context, t *loginAttempt, token *oauth2.Token, _ string) (identity, error) {
	return p.userinfo(ctx, t, token)
}

func (p oauthProvider) userinfo(ctx context.Context, t *loginAttempt, token *oauth2.Token) (identity, error) {
	var claims map[string]any
	if err := askJSON(ctx, t.r.services.HTTP, p.places.userinfo, token.AccessToken, &claims); err != nil {
		return identity{}, err
	}
	who := identityOf(p.key, claims)
	if who.ProviderUserID == "" {
		return identity{}, &untrustedError{fmt.Sprintf("%s does not say who logged in", p.key)}
	}
	if who.Email == "" && p.emails != "" {
		who.Email = p.primaryEmail(ctx, t, token)
	}
	return who, nil
}

// primaryEmail is the verified address that the person prefers; "" when there is
// none, or the application may not know.
func (p oauthProvider) primaryEmail(ctx context.Context, t *loginAttempt, token *oauth2.Token) string {
	var all []struct {
		Email             string
		Primary, Verified bool
	}
	if askJSON(ctx, t.r.services.HTTP, p.emails, token.AccessToken, &all) != nil {
		return ""
	}
	for _, e := range all {
		if e.Primary && e.Verified {
			return e.Email
		}
	}
	return ""
}
