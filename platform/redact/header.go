package redact

import "strings"

// credentials are the headers whose values always are secrets: RFC 9110
// credentials and what well-known APIs use instead.
var credentials = []string{
	"authorization", "proxy-authorization", "authentication-info", "proxy-authentication-info",
	"api-key", "apikey", "x-api-key", "x-apikey", "x-api-token", "x-api-secret",
	"x-auth-token", "x-auth-key", "x-access-token", "x-session-token", "x-session-id", "x-id-token", "x-refresh-token",
	"x-csrf-token", "x-xsrf-token", "csrf-token", "x-csrftoken", "x-secret", "x-token",
	"x-amz-security-token", "x-goog-api-key", "x-goog-iam-authorization-token", "x-ms-token-aad-access-token",
	"ocp-apim-subscription-key", "x-functions-key", "x-rapidapi-key", "dd-api-key", "dd-application-key",
	"private-token", "job-token", "deploy-token", "x-gitlab-token", "x-vault-token", "x-consul-token",
	"x-shopify-access-token", "cf-access-client-secret", "cf-access-jwt-assertion", "x-amzn-oidc-data", "x-amzn-oidc-accesstoken",
	"x-forwarded-access-token", "x-telegram-bot-api-secret-token", "dpop", "stripe-signature",
	"sluice-replay-signature", "sluice-cluster-key",
}

type headerKind uint8

const (
	wholeValue headerKind = iota
	keepScheme
	cookieRequest
	cookieResponse
	urlValue
)

type headerRule struct {
	name string
	kind headerKind
}

// HeaderRules decide which header values are secrets. They are read-only after
// Headers and safe for concurrent use.
type HeaderRules struct {
	byName  map[string]headerRule
	longest int
}

// Headers returns the default rules plus one for each of operator's header
// names, in any case; their values are replaced as a whole.
func Headers(operator []string) *HeaderRules {
	r := &HeaderRules{byName: make(map[string]headerRule, len(credentials)+len(operator)+8)}
	for _, name := range operator {
		r.add(strings.ToLower(strings.TrimSpace(name)), headerRule{RuleSettings, wholeValue})
	}
	for _, name := range credentials {
		r.add(name, headerRule{RuleCredentials, wholeValue})
	}
	r.add("authorization", headerRule{RuleCredentials, keepScheme})
	r.add("proxy-authorization", headerRule{RuleCredentials, keepScheme})
	r.add("cookie", headerRule{RuleCookies, cookieRequest})
	r.add("set-cookie", headerRule{RuleCookies, cookieResponse})
	for _, name := range []string{"referer", "location", "content-location"} {
		if _, whole := r.byName[name]; !whole {
			r.add(name, headerRule{RuleURL, urlValue})
		}
	}
	return r
}

func (r *HeaderRules) add(name string, rule headerRule) {
	if name == "" {
		return
	}
	r.byName[name] = rule
	r.longest = max(r.longest, len(name))
}

// Redact returns what may be kept of a header's value and the name of the rule
// that replaced it. When rule is empty the value is kept as it is. Headers
// without a rule cost no allocation.
func (r *HeaderRules) Redact(name, value string) (replacement, rule string) {
	found, ok := r.find(name)
	if !ok || value == "" {
		return value, ""
	}
	return found.replace(value, nil)
}

// replace does what the rule says; m makes the marks.
func (rule headerRule) replace(value string, m marker) (replacement, name string) {
	switch rule.kind {
	case keepScheme:
		replacement = credentialsValue(value, m)
	case cookieRequest:
		replacement = cookies(value, m)
	case cookieResponse:
		replacement = setCookie(value, m)
	case urlValue:
		if replacement = urlText(value, m); replacement == value {
			return value, ""
		}
	default:
		replacement = m.mark(rule.name, "", value)
	}
	return replacement, rule.name
}

// marker makes what stands in the place of a value; path says where it stands
// within the whole, if that has parts. A nil one makes the plain Mark.
type marker func(rule, path, value string) string

func (m marker) mark(rule, path, value string) string {
	if m == nil {
		return Mark
	}
	return m(rule, path, value)
}

func (r *HeaderRules) find(name string) (headerRule, bool) {
	if len(name) > r.longest {
		return headerRule{}, false
	}
	var buffer [64]byte
	lower := buffer[:0]
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower = append(lower, c)
	}
	rule, ok := r.byName[string(lower)]
	return rule, ok
}
