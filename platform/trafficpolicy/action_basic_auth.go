package trafficpolicy

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"gopkg.in/yaml.v3"

	"sluice.dev/platform/trafficpolicy/expr"
)

func init() {
	register(ActionInfo{
		Type:        "basic-auth",
		Summary:     "Admits requests with a known user name and password (RFC 7617) and answers others 401.",
		Phases:      []Phase{OnHTTPRequest},
		Terminating: Sometimes,
		Fields: []Field{
			{Name: "credentials", Kind: Custom, Template: true, Required: true, Description: "Up to 10 entries user:password; passwords have 8 to 128 characters.", Example: "[\"user:${secrets.get('api', 'password')}\"]"},
			{Name: "realm", Kind: Text, Default: "ngrok", Max: 128, Description: "Shown to the user by a browser.", Example: "api"},
			{Name: "enforce", Kind: Boolean, Default: true, Description: "false checks and publishes, and never refuses."},
		},
		Results: []ResultInfo{
			{"credentials.presented", cel.BoolType, "Whether the request has basic credentials."},
			{"credentials.username", cel.StringType, "The user name presented."},
			{"credentials.authorized", cel.BoolType, "Whether the credentials are right."},
		},
	}, newBasicAuth)
}

const maxCredentials = 10

type basicAuth struct {
	slot        int
	credentials []credential
	challenge   string
	enforce     bool
}

// credential is either one template for the pair or one for each half.
type credential struct{ pair, user, password *expr.Template }

func newBasicAuth(c *config) action {
	realm := c.word("realm")
	if strings.ContainsFunc(realm, func(r rune) bool { return r < ' ' || r > '~' }) {
		c.fault("realm", CodeValue, "must be printable ASCII", "")
	}
	return &basicAuth{
		slot:        c.spec.slot,
		credentials: c.credentials(),
		challenge:   `Basic realm="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(realm) + `"`,
		enforce:     c.boolean("enforce"),
	}
}

func (c *config) credentials() []credential {
	v := c.get("credentials")
	if !c.has("credentials") {
		return nil
	}
	var out []credential
	for i, n := range c.items(Field{Name: "credentials", Min: 1, Max: maxCredentials}, v) {
		path := index(v.path, i)
		switch n = resolve(n); n.Kind {
		case yaml.MappingNode:
			out = append(out, c.credentialPair(n, path))
		default:
			if t := c.decodeText(Field{Template: true}, n, path); t != nil {
				c.checkPair(t, n, path)
				out = append(out, credential{pair: t})
			}
		}
	}
	return out
}

// credentialPair reads the form {username: ..., password: ...}.
func (c *config) credentialPair(n *yaml.Node, path string) credential {
	var out credential
	for key, value := range pairs(n) {
		switch key.Value {
		case "username":
			out.user = c.decodeText(Field{Template: true}, value, join(path, key.Value))
		case "password":
			out.password = c.decodeText(Field{Template: true}, value, join(path, key.Value))
			if out.password != nil {
				if text, static := out.password.Static(); static {
					c.checkPassword(text, value, join(path, key.Value))
				}
			}
		default:
			c.compiler.report(key, join(path, key.Value), CodeUnknownField, fmt.Sprintf("a credential has no field %q", key.Value), fieldHint(key.Value, []string{"username", "password"}))
		}
	}
	if out.user == nil || out.password == nil {
		c.compiler.report(n, path, CodeMissing, "a credential needs username and password", `or write "user:password"`)
	}
	return out
}

// checkPair wants a literal colon, unless one expression makes the whole pair.
func (c *config) checkPair(t *expr.Template, n *yaml.Node, path string) {
	if text, static := t.Static(); static {
		_, password, found := strings.Cut(text, ":")
		if !found {
			c.compiler.report(n, path, CodeValue, "has no colon between user and password", "write user:password")
			return
		}
		c.checkPassword(password, n, path)
		return
	}
	literals, expressions := t.Parts()
	if len(expressions) > 1 && literalColons(literals) == 0 {
		c.compiler.report(n, path, CodeValue, "has no literal colon between user and password", "write user:password, with ${} for either or for the whole")
	}
}

func literalColons(literals []string) int { return strings.Count(strings.Join(literals, ""), ":") }

func (c *config) checkPassword(password string, n *yaml.Node, path string) {
	if length := utf8.RuneCountInString(password); length < 8 || length > 128 {
		c.compiler.report(n, path, CodePassword, fmt.Sprintf("the password has %d characters; allowed are 8 to 128", length), "")
	}
}

var errExtraColon = errors.New("basic-auth: an expression adds a colon to the credentials")

// resolve renders a credential.
func (cr *credential) resolve(v *expr.Vars) (user, password string, err error) {
	if cr.pair == nil {
		if user, err = cr.user.Render(v); err != nil {
			return "", "", err
		}
		password, err = cr.password.Render(v)
		return user, password, err
	}
	text, err := cr.pair.Render(v)
	if err != nil {
		return "", "", err
	}
	literals, expressions := cr.pair.Parts()
	if whole := len(expressions) == 1; !whole && strings.Count(text, ":") != literalColons(literals) {
		return "", "", errExtraColon
	}
	user, password, found := strings.Cut(text, ":")
	if !found {
		return "", "", errors.New("basic-auth: the credentials have no colon")
	}
	return user, password, nil
}

func (a *basicAuth) run(_ context.Context, r *Run) (*Outcome, error) {
	user, password, presented := basicCredentials(r.vars.Request.Header.Get("authorization"))
	authorized := 0
	for i := range a.credentials {
		wantUser, wantPassword, err := a.credentials[i].resolve(&r.vars)
		if err != nil {
			return nil, &failure{CodeTemplateFailed, err}
		}
		authorized |= same(user, wantUser) & same(password, wantPassword)
	}
	ok := presented && authorized == 1
	r.vars.Publish(a.slot, types.Bool(presented), types.String(user), types.Bool(ok))
	r.facts.BasicAuth = BasicAuthFacts{Decision: "allow", Username: user}
	if ok {
		return nil, nil //nolint:nilnil // the phase goes on
	}
	r.facts.BasicAuth.Decision = "block"
	if !a.enforce {
		return nil, nil //nolint:nilnil // the phase goes on
	}
	out := refuse(CodeUnauthorized)
	out.Response.Header.Add("www-authenticate", a.challenge)
	return out, nil
}

// same compares in a time that does not depend on where the texts differ.
func same(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// basicCredentials reads an Authorization header (RFC 7617 section 2).
func basicCredentials(header string) (user, password string, ok bool) {
	scheme, token, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "basic") {
		return "", "", false
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(raw), ":")
}
