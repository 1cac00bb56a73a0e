package redact

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// Names of the default rules. A record tells them, and settings can turn them off,
// all but RuleCredentials.
const (
	RuleCredentials = "credential_headers" // the header carries credentials by its definition
	RuleCookies     = "cookies"            // values of cookies
	RuleURL         = "url_credentials"    // user info or token-like parameters of a URL
	RuleSettings    = "redact_headers"     // headers that the operator named
	RuleJSON        = "json_password"      // members with names such as password or client_secret
	RuleForm        = "form_password"      // form fields with such names
	RuleBearer      = "bearer_token"       // Bearer and a token, in any text
	RuleBasic       = "basic_credentials"  // Basic and a name with its password
	RuleJWT         = "jwt"
	RuleAWS         = "aws_key"
	RuleGitHub      = "github_token"
	RuleGitLab      = "gitlab_token"
	RuleSlack       = "slack_token"
	RuleStripe      = "stripe_key"
	RuleGoogle      = "google_key"
	RuleNPM         = "npm_token"
	RulePrivateKey  = "private_key"
	RuleCard        = "card_number"
	RuleKey         = "sluice_key" // API keys of this gateway
)

// DefaultRules lists the rules that settings can turn off.
func DefaultRules() []string {
	return []string{RuleCookies, RuleURL, RuleJSON, RuleForm, RuleBearer, RuleBasic, RuleJWT, RuleAWS, RuleGitHub, RuleGitLab,
		RuleSlack, RuleStripe, RuleGoogle, RuleNPM, RulePrivateKey, RuleCard, RuleKey}
}

// Config says what a Redactor looks for.
type Config struct {
	Key      []byte   // of the hashes; see [Key]
	Headers  []string // names of headers whose whole values are replaced
	Rules    []*policyv1.RedactionRule
	Disabled []string // default rules that are off
}

// Redactor replaces secrets in the parts of a record. It is safe for concurrent
// use.
type Redactor struct {
	key      []byte
	hashers  sync.Pool // of *hasher
	headers  *HeaderRules
	off      map[string]bool
	named    map[string]string // rule by header name in lower case
	fields   map[string]string // rule by form field
	query    map[string]string // rule by query parameter
	paths    []pathRule
	patterns []patternRule
}

type pathRule struct {
	name string
	path *jsonPath
}

type patternRule struct {
	name    string
	pattern *regexp.Regexp
}

// New returns a redactor. Rules that cannot be used are left out and told by the
// error; the redactor is usable all the same.
func New(cfg Config) (*Redactor, error) {
	r := &Redactor{
		key: cfg.Key, headers: Headers(cfg.Headers), off: map[string]bool{},
		named: map[string]string{}, fields: map[string]string{}, query: map[string]string{},
	}
	for _, name := range cfg.Disabled {
		r.off[name] = name != RuleCredentials
	}
	var faults []error
	for _, rule := range cfg.Rules {
		if err := r.add(rule); err != nil {
			faults = append(faults, fmt.Errorf("redaction rule %q: %w", rule.GetName(), err))
		}
	}
	return r, errors.Join(faults...)
}

func (r *Redactor) add(rule *policyv1.RedactionRule) error {
	name := rule.GetName()
	switch {
	case rule.GetHeader() != "":
		r.named[strings.ToLower(rule.GetHeader())] = name
	case rule.GetFormField() != "":
		r.fields[rule.GetFormField()] = name
	case rule.GetQueryParameter() != "":
		r.query[rule.GetQueryParameter()] = name
	case rule.GetJsonPath() != "":
		path, err := parseJSONPath(rule.GetJsonPath())
		if err != nil {
			return err
		}
		r.paths = append(r.paths, pathRule{name, path})
	case rule.GetPattern() != "":
		pattern, err := regexp.Compile(rule.GetPattern())
		if err != nil {
			return err
		}
		r.patterns = append(r.patterns, patternRule{name, pattern})
	}
	return nil
}

// HeaderRules are the rules by header name.
func (r *Redactor) HeaderRules() *HeaderRules { return r.headers }

// Text replaces what shapes, patterns and known secrets find in a text.
func (r *Redactor) Text(text string, secrets []*Secret, found func(*Finding)) string {
	if len(secrets) == 0 && r.plain(text) {
		return text
	}
	spans := r.raw([]byte(text), secrets, false, nil)
	if len(spans) == 0 {
		return text
	}
	return r.replaceSpans(text, spans, " ", found)
}

func (r *Redactor) replaceSpans(text string, spans []span, space string, found func(*Finding)) string {
	var b strings.Builder
	at := 0
	for _, s := range join(spans) {
		start, end := int(s.start), int(s.end)
		plain := s.plain
		if plain == "" {
			plain = plainOf(s.rule, text[start:end])
		}
		f := r.found(s.rule, "", kindText, text[start:end], plain)
		found(f)
		b.WriteString(text[at:start])
		b.WriteString(f.escaped(space))
		at = end
	}
	b.WriteString(text[at:])
	return b.String()
}

// raw finds what needs no structure: shapes, the operator's patterns and known
// secrets. Offsets are those of p; more says that it goes on after p.
func (r *Redactor) raw(p []byte, secrets []*Secret, more bool, into []span) []span {
	into = r.shapes(p, more, into)
	for _, rule := range r.patterns {
		group := 0
		if rule.pattern.NumSubexp() > 0 {
			group = 1
		}
		for _, m := range rule.pattern.FindAllSubmatchIndex(p, -1) {
			if start, end := m[2*group], m[2*group+1]; start >= 0 && end > start {
				into = append(into, span{start: int64(start), end: int64(end), rule: rule.name})
			}
		}
	}
	for _, s := range secrets {
		into = s.find(p, more, into)
	}
	return into
}

// span is a stretch of a content that is replaced.
type span struct {
	start, end int64
	rule       string
	path, kind string
	coding     coding
	quoted     bool   // a JSON text is written in its place, with quotes
	open       bool   // the end is not known yet
	secret     bool   // a known one
	plain      string // its value
}

// coding is how a value is written where it stands.
type coding uint8

const (
	codedPlain coding = iota
	codedJSON
	codedForm
)

// join sorts spans and merges those that overlap; the first tells the rule.
func join(spans []span) []span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortStableFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end))
	})
	out := spans[:1]
	for _, s := range spans[1:] {
		last := &out[len(out)-1]
		if s.start < last.end {
			last.end = max(last.end, s.end)
			last.open, last.quoted, last.secret = last.open || s.open, last.quoted || s.quoted, last.secret || s.secret
			continue
		}
		out = append(out, s)
	}
	return out
}
