package redact

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Secret is a secret that is known by its value, wherever that stands: as it is,
// or escaped for a URL, for JSON or in base64. Make it once: finding the forms
// costs more than looking for them. It is safe for concurrent use.
type Secret struct {
	rule  string
	value string
	forms []string // longest first
}

// NewSecret returns the secret with a value; rule names it in records, such as
// secret:vault/name.
func NewSecret(rule, value string) *Secret {
	s := &Secret{rule: rule, value: value}
	if value == "" {
		return s
	}
	s.forms = append(base64Forms(value), value, url.QueryEscape(value), url.PathEscape(value), asJSON(value, true), asJSON(value, false))
	slices.SortFunc(s.forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	s.forms = slices.Compact(s.forms)
	return s
}

// Rule names the secret in records.
func (s *Secret) Rule() string { return s.rule }

// Mask replaces the secret in a text and reports whether it was there.
func (s *Secret) Mask(text string) (string, bool) {
	found := false
	for _, form := range s.forms {
		if strings.Contains(text, form) {
			text, found = strings.ReplaceAll(text, form, Mark), true
		}
	}
	return text, found
}

// Hide replaces secrets in a text.
func Hide(text string, secrets []*Secret) string {
	for _, s := range secrets {
		text, _ = s.Mask(text)
	}
	return text
}

// find adds where the secret stands in p. When more may come after p, what of it
// stands at the end counts too.
func (s *Secret) find(p []byte, more bool, into []span) []span {
	longest := 0
	for _, form := range s.forms {
		for at := 0; ; {
			i := bytes.Index(p[at:], []byte(form))
			if i < 0 {
				break
			}
			at += i + len(form)
			into = append(into, span{start: int64(at - len(form)), end: int64(at), rule: s.rule, plain: s.value, secret: true})
		}
		for n := min(len(form)-1, len(p)); more && n > longest; n-- {
			if bytes.HasSuffix(p, []byte(form[:n])) {
				longest = n
			}
		}
	}
	if longest > 0 {
		into = append(into, span{start: int64(len(p) - longest), end: int64(len(p)), rule: s.rule, secret: true})
	}
	return into
}

func asJSON(value string, html bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	if e.Encode(value) != nil {
		return value
	}
	quoted := strings.TrimSuffix(b.String(), "\n")
	return quoted[1 : len(quoted)-1]
}

// minBase64 is how long a form has to be to tell it from chance.
const minBase64 = 8

// base64Forms are what the secret looks like within a text in base64, such as the
// password in a Basic credential: it depends on how many bytes stand before it.
// Characters that also depend on the bytes around it are left out.
func base64Forms(value string) []string {
	var out []string
	for before := range 3 {
		raw := append(make([]byte, before), value...)
		first := (before*8 + 5) / 6 // the first character of the secret alone
		last := len(raw) * 8 / 6    // one past the last
		for _, coding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if text := coding.EncodeToString(raw); last-first >= minBase64 {
				out = append(out, text[first:last])
			}
		}
	}
	return out
}
