package policytrace

import (
	"strings"

	"sluice.dev/platform/redact"
)

// Mask says what of a trace is secret.
type Mask struct {
	Headers *redact.HeaderRules // of maps of header fields; nil: the default rules
	Values  []string            // texts that are replaced wherever they stand, such as the request's credentials
	Bodies  bool                // bodies that actions sent or received may be kept

	Redactor *redact.Redactor // looks into errors and results as well; nil for none
	Secrets  []*redact.Secret // are replaced in every text
}

// shaped is a text without what its shape tells to be secret.
func (m *Mask) shaped(s string) string {
	if m.Redactor == nil {
		return s
	}
	return m.Redactor.Text(s, nil, func(*redact.Finding) {})
}

// hidden is a text without Secrets.
func (m *Mask) hidden(s string) string { return redact.Hide(s, m.Secrets) }

var defaultHeaders = redact.Headers(nil)

func (m *Mask) headers() *redact.HeaderRules {
	if m.Headers == nil {
		return defaultHeaders
	}
	return m.Headers
}

// value returns a copy of v, the value called name, without secrets and with its
// texts cut.
func (m *Mask) value(name string, v any) any {
	switch x := v.(type) {
	case string:
		return cut(m.named(name, x), maxText)
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = m.value(name, x[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for key := range x {
			out[m.text(key)] = m.value(key, x[key])
		}
		return out
	}
	return v
}

// named is the text called name: a header field, a member or a result variable.
func (m *Mask) named(name, s string) string {
	replaced, rule := m.headers().Redact(name, s)
	switch {
	case rule != "" && rule != redact.RuleURL:
		return replaced
	case s != "" && redact.SecretName(name[strings.LastIndexByte(name, '.')+1:]):
		return redact.Mark
	}
	return m.text(s)
}

// text replaces known values, and secrets in what looks like a URL or a query.
func (m *Mask) text(s string) string {
	s = m.Known(s)
	switch {
	case strings.ContainsAny(s, "?@#"):
		return redact.URL(s)
	case strings.Contains(s, "="):
		s, _ = redact.Query(s)
	}
	return s
}

// Known replaces only the known values.
func (m *Mask) Known(s string) string {
	for _, secret := range m.Values {
		s = strings.ReplaceAll(s, secret, redact.Mark)
	}
	return s
}

// minSecret is the length from which a text is replaced wherever it stands; a
// shorter one would be found in texts that have nothing to do with it.
const minSecret = 6

// Secrets appends what is secret in a request's header field that the rules
// replace: the value, the credentials after a scheme, the values of cookies.
func Secrets(rules *redact.HeaderRules, name, value string, into []string) []string {
	if rules == nil {
		rules = defaultHeaders
	}
	switch _, rule := rules.Redact(name, value); rule {
	case "", redact.RuleURL:
		return into
	case redact.RuleCookies:
		for pair := range strings.SplitSeq(value, ";") {
			_, secret, _ := strings.Cut(pair, "=")
			into = keep(into, strings.TrimSpace(secret))
		}
		return into
	}
	into = keep(into, value)
	_, credentials, _ := strings.Cut(value, " ")
	return keep(into, strings.TrimSpace(credentials))
}

func keep(into []string, secret string) []string {
	if len(secret) < minSecret {
		return into
	}
	return append(into, secret)
}
