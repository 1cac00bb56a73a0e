package trafficpolicy

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/go-jose/go-jose/v4"

	"sluice.dev/platform/trafficpolicy/expr"
)

// tokenAlgorithms are the signatures that a public key can verify (RFC 7518
// section 3.1, RFC 8037). HMAC is left out: its key would have to stand in a
// document that anyone can read.
var tokenAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func init() {
	allowList := func(template bool, description, example string) []Field {
		return []Field{{Name: "allow_list", Kind: Objects, Required: true, Min: 1, Description: description, Example: example, Fields: []Field{
			{Name: "value", Kind: Text, Template: template, Required: true, Min: 1, Description: "Exact value, a trailing slash included.", Example: "https://login.example.com/"},
		}}}
	}
	register(ActionInfo{
		Type:        "jwt-validation",
		Summary:     "Admits requests whose JSON Web Tokens are signed by a known key and meant for this API; the tokens' claims are results.",
		Phases:      []Phase{OnHTTPRequest},
		Terminating: Sometimes,
		Fields: []Field{
			{Name: "issuer", Kind: Object, Required: true, Description: "Who may issue tokens.", Example: "{allow_list: [{value: 'https://login.example.com/'}]}",
				Fields: allowList(true, "Accepted values of the claim iss.", "[{value: 'https://login.example.com/'}]")},
			{Name: "audience", Kind: Object, Description: "Whom tokens must be meant for; without it, anyone.", Example: "{allow_list: [{value: my-api}]}",
				Fields: allowList(false, "The claim aud must hold one of these.", "[{value: my-api}]")},
			{Name: "http", Kind: Object, Required: true, Description: "Where the tokens are.", Example: "{tokens: [{type: jwt, method: header, name: Authorization, prefix: 'Bearer '}]}", Fields: []Field{
				{Name: "tokens", Kind: Objects, Required: true, Min: 1, Max: 10, Description: "Tokens that must all be there and valid.", Fields: []Field{
					{Name: "type", Kind: Enum, Required: true, Values: []string{"jwt", "access_token", "id_token", "at+jwt", "it+jwt", "plain"}, Description: "What the token is. at+jwt also wants that type in the token's header (RFC 9068).", Example: "jwt"},
					{Name: "method", Kind: Enum, Required: true, Values: []string{"header", "body"}, Description: "Whether it is in a header field or in a field of a JSON or form body.", Example: "header"},
					{Name: "name", Kind: Text, Template: true, Required: true, Min: 1, Description: "Name of the field, in any case.", Example: "Authorization"},
					{Name: "prefix", Kind: Text, Template: true, Description: "What stands before the token, in any case.", Example: "'Bearer '"},
				}},
			}},
			{Name: "jws", Kind: Object, Required: true, Description: "How tokens are signed.", Fields: []Field{
				{Name: "allowed_algorithms", Kind: Texts, Required: true, Min: 1, Description: "Accepted signature algorithms: " + strings.Join(tokenAlgorithms, ", ") + ".", Example: "[RS256]"},
				{Name: "keys", Kind: Object, Required: true, Description: "Where the keys are.", Example: "{sources: {additional_jkus: ['https://login.example.com/jwks.json']}}", Fields: []Field{
					{Name: "sources", Kind: Object, Required: true, Description: "Sources of keys.", Fields: []Field{
						{Name: "additional_jkus", Kind: Texts, Template: true, Required: true, Min: 1, Max: 10, Description: "URLs of JSON Web Key Sets, tried in order. They are kept and fetched again about every 15 minutes.", Example: "['https://login.example.com/jwks.json']"},
					}},
					{Name: "identification", Kind: Object, Description: "How a token names its key.", Fields: []Field{
						{Name: "token_claims", Kind: Texts, Description: "Only kid."},
					}},
				}},
			}},
		},
		Results: []ResultInfo{
			{"tokens", cel.ListType(cel.MapType(cel.StringType, cel.DynType)), "The tokens found: header, payload, signature, location, location_property, verified."},
			{"error.code", cel.StringType, "Code of the refusal."},
			{"error.message", cel.StringType, "Text of the refusal."},
		},
	}, newJWTValidation)
}

type jwtValidation struct {
	slot       int
	issuers    []*expr.Template
	audiences  []string
	tokens     []tokenSource
	algorithms []jose.SignatureAlgorithm
	urls       []*expr.Template
}

func newJWTValidation(c *config) action {
	a := &jwtValidation{slot: c.spec.slot}
	for _, entry := range c.object("issuer").get("allow_list").objects {
		a.issuers = append(a.issuers, entry.text("value"))
	}
	for _, entry := range c.object("audience").get("allow_list").objects {
		a.audiences = append(a.audiences, entry.word("value"))
	}
	for _, entry := range c.object("http").get("tokens").objects {
		a.tokens = append(a.tokens, tokenSource{kind: entry.word("type"), method: entry.word("method"), name: entry.text("name"), prefix: entry.text("prefix")})
	}
	jws := c.object("jws")
	a.algorithms = jws.algorithms()
	keys := jws.object("keys")
	a.urls = keys.object("sources").get("additional_jkus").texts
	keys.object("sources").checkURLs("additional_jkus")
	claims := keys.object("identification")
	if words := claims.words("token_claims"); slices.ContainsFunc(words, func(w string) bool { return w != "kid" }) {
		claims.fault("token_claims", CodeEnum, "a token can name its key only by kid", "leave token_claims out, or write [kid]")
	}
	return a
}

func (c *config) algorithms() []jose.SignatureAlgorithm {
	var out []jose.SignatureAlgorithm
	v := c.get("allowed_algorithms")
	for i, t := range v.texts {
		if t == nil {
			continue
		}
		name, _ := t.Static()
		fault, code, hint := "", CodeEnum, "allowed: "+strings.Join(tokenAlgorithms, ", ")
		switch {
		case strings.EqualFold(name, "none"):
			fault = "none would admit tokens that nobody signed"
		case strings.HasPrefix(name, "HS"):
			fault = name + " is signed with a shared secret, which a public key set cannot hold"
		case !slices.Contains(tokenAlgorithms, name):
			fault = fmt.Sprintf("%q is not a signature algorithm that is supported", name)
		case slices.Contains(out, jose.SignatureAlgorithm(name)):
			fault, code, hint = name+" is listed twice", CodeDuplicate, ""
		}
		if fault != "" {
			c.compiler.report(v.node.Content[i], index(v.path, i), code, fault, hint)
			continue
		}
		out = append(out, jose.SignatureAlgorithm(name))
	}
	return out
}

// checkURLs wants http or https URLs. One that is still a placeholder gets a
// warning: it fails when it is used.
func (c *config) checkURLs(field string) {
	v := c.get(field)
	for i, t := range v.texts {
		if t == nil {
			continue
		}
		text, static := t.Static()
		if !static {
			continue
		}
		n, path := v.node.Content[i], index(v.path, i)
		u, err := url.Parse(text)
		switch {
		case strings.ContainsAny(text, "<>$"):
			c.compiler.warn(n, path, CodeURL, fmt.Sprintf("%q looks like a placeholder", text), "put the real address in")
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			c.compiler.report(n, path, CodeURL, fmt.Sprintf("%q is not an http or https URL", text), "such as https://login.example.com/.well-known/jwks.json")
		case u.Scheme == "http":
			c.compiler.warn(n, path, CodeURL, "keys fetched without TLS can be replaced on the way", "use https")
		}
	}
}

func (a *jwtValidation) run(ctx context.Context, r *Run) (*Outcome, error) {
	found := make([]any, 0, len(a.tokens))
	for i := range a.tokens {
		t, err := a.validate(ctx, r, &a.tokens[i])
		if t != nil {
			found = append(found, t.result())
		}
		if err != nil {
			return a.refuse(ctx, r, found, err)
		}
	}
	r.facts.JWT = "allow"
	r.publishTokens(a.slot, found, nil, nil)
	return nil, nil //nolint:nilnil // the phase goes on
}

func (r *Run) publishTokens(slot int, found []any, code, message ref.Val) {
	r.vars.Publish(slot, types.DefaultTypeAdapter.NativeToValue(found), code, message)
}

// refuse answers with the code of the fault, and passes on what is no fault of
// the tokens.
func (a *jwtValidation) refuse(ctx context.Context, r *Run, found []any, err error) (*Outcome, error) {
	f := asFailure(err)
	if ctx.Err() != nil || f == nil {
		return nil, err
	}
	r.facts.JWT = "block"
	r.publishTokens(a.slot, found, types.String(f.code), types.String(f.code.info().Meaning))
	out := refuse(f.code)
	switch out.Response.Status {
	case 401:
		challenge := `Bearer error="invalid_token"` // RFC 6750 section 3.1
		if f.code == CodeTokenNotFound || f.code == CodeTokenHeader {
			challenge = "Bearer"
		}
		out.Response.Header.Add("www-authenticate", challenge)
	case 500:
		return nil, err // ours: it belongs in the log
	}
	return out, nil
}

// validate finds a token and checks its signature and its claims. The token is
// nil when there is none that can be read.
func (a *jwtValidation) validate(ctx context.Context, r *Run, source *tokenSource) (*token, error) {
	text, err := source.find(r)
	if err != nil {
		return nil, err
	}
	t, err := parseToken(text, a.algorithms)
	if err != nil {
		return nil, err
	}
	t.location, t.property = source.method, text.name
	if err := t.checkKind(source.kind); err != nil {
		return t, err
	}
	if err := a.verify(ctx, r, t); err != nil {
		return t, err
	}
	t.verified = true
	if err := t.checkTime(r.vars.Time()); err != nil {
		return t, err
	}
	return t, a.checkParties(r, t)
}

// verify tries the key sets in order. When none has the token's key they are
// fetched again, for the issuer may have changed keys.
func (a *jwtValidation) verify(ctx context.Context, r *Run, t *token) error {
	if r.services.KeySets == nil {
		return &failure{CodeKeySet, errNoKeySets}
	}
	urls := make([]string, len(a.urls))
	var err error
	for i, u := range a.urls {
		if urls[i], err = u.Render(&r.vars); err != nil {
			return &failure{CodeTemplateFailed, err}
		}
	}
	known, fault := false, error(nil)
	for _, get := range []func(context.Context, string) ([]jose.JSONWebKey, error){r.services.KeySets.keys, r.services.KeySets.refetch} {
		for _, u := range urls {
			keys, err := get(ctx, u)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				fault = err
				continue
			}
			ok, named := t.verify(keys)
			if ok {
				return nil
			}
			known = known || named
		}
		if known {
			return &failure{CodeTokenInvalid, errSignature}
		}
	}
	if fault != nil {
		return &failure{CodeKeySet, fault}
	}
	return &failure{CodeTokenInvalid, errSignature}
}

// checkParties compares iss and aud (RFC 7519 sections 4.1.1 and 4.1.3).
func (a *jwtValidation) checkParties(r *Run, t *token) error {
	if len(a.audiences) > 0 && !slices.ContainsFunc(t.audience(), func(s string) bool { return slices.Contains(a.audiences, s) }) {
		return &failure{CodeTokenForbidden, fmt.Errorf("jwt-validation: the token is not meant for %s", strings.Join(a.audiences, " or "))}
	}
	issuer, _ := t.payload["iss"].(string)
	for _, want := range a.issuers {
		text, err := want.Render(&r.vars)
		if err != nil {
			return &failure{CodeTemplateFailed, err}
		}
		if text == issuer {
			return nil
		}
	}
	return &failure{CodeTokenForbidden, fmt.Errorf("jwt-validation: the issuer %q is not allowed", issuer)}
}
