package redact

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// trigger are the bytes at which the shape of a secret shows: one look at each
// byte decides for nearly all of a content that there is nothing.
var trigger = func() (t [256]bool) {
	for _, c := range "J_-@IB" + "b" {
		t[c] = true
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	return t
}()

// Character classes of tokens.
var (
	classURL    = class("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
	classWord   = class("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
	classUpper  = class("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
	classBearer = class("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")
	classBase64 = class("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
)

func class(chars string) *[256]bool {
	var c [256]bool
	for i := range len(chars) {
		c[chars[i]] = true
	}
	return &c
}

// run is how many bytes from at on are of a class.
func run(p []byte, at int, c *[256]bool) int {
	n := 0
	for at+n < len(p) && c[p[at+n]] {
		n++
	}
	return n
}

// prefixed are tokens with a beginning of their own.
type prefixed struct {
	rule   string
	prefix string
	rest   *[256]bool
	least  int // bytes after the prefix
}

// Tokens that show at "_" and "-": the first one in their prefix.
var (
	underscored = []prefixed{
		{RuleGitHub, "ghp_", classWord, 30}, {RuleGitHub, "gho_", classWord, 30}, {RuleGitHub, "ghu_", classWord, 30},
		{RuleGitHub, "ghs_", classWord, 30}, {RuleGitHub, "ghr_", classWord, 30}, {RuleGitHub, "github_pat_", classURL, 22},
		{RuleStripe, "sk_live_", classWord, 16}, {RuleStripe, "sk_test_", classWord, 16}, {RuleStripe, "rk_live_", classWord, 16},
		{RuleStripe, "rk_test_", classWord, 16}, {RuleStripe, "whsec_", classBase64, 16}, {RuleNPM, "npm_", classWord, 36}, {RuleKey, "sk_", classURL, 43},
	}
	dashed = []prefixed{
		{RuleSlack, "xoxb-", classURL, 10}, {RuleSlack, "xoxp-", classURL, 10}, {RuleSlack, "xoxa-", classURL, 10}, {RuleSlack, "xoxr-", classURL, 10},
		{RuleSlack, "xoxs-", classURL, 10}, {RuleSlack, "xoxe-", classURL, 10}, {RuleSlack, "xapp-", classURL, 10}, {RuleGitLab, "glpat-", classURL, 20},
	}
)

// scan is a text that is searched for shapes. When more may come after it, a token
// that reaches its end counts as soon as its beginning shows, however little of it
// is there.
type scan struct {
	text []byte
	more bool
}

// shapes finds tokens by how they look.
func (r *Redactor) shapes(p []byte, more bool, into []span) []span {
	s := scan{p, more}
	for i := 0; i < len(p); i++ {
		c := p[i]
		if !trigger[c] {
			continue
		}
		start, end, rule := s.at(i, c)
		if rule != "" && !r.off[rule] {
			into = append(into, span{start: int64(start), end: int64(end), rule: rule})
		}
		if end > i {
			i = end - 1
		}
	}
	return into
}

// at looks at one trigger. end is where to go on when it is beyond at; rule is
// empty when nothing was found.
func (s *scan) at(at int, c byte) (start, end int, rule string) {
	p := s.text
	switch c {
	case 'J':
		return s.jwt(at)
	case '_':
		if at >= 2 && endsPrefix(p, at) {
			return s.prefixed(at, underscored)
		}
		return 0, 0, ""
	case '-':
		switch {
		case at+1 < len(p) && p[at+1] == '-' && bytes.HasPrefix(p[at:], dashes):
			return s.privateKey(at)
		case at >= 4 && (p[at-4] == 'x' || p[at-1] == 't'):
			return s.prefixed(at, dashed)
		}
		return 0, 0, ""
	case '@':
		return s.userInfo(at)
	case 'I':
		return s.cloudKey(at)
	case 'B', 'b':
		return s.scheme(at)
	}
	return s.card(at)
}

// endsPrefix is a quick look at what stands before an underscore.
func endsPrefix(p []byte, at int) bool {
	switch p[at-1] {
	case 'k':
		return p[at-2] == 's' || p[at-2] == 'r'
	case 'b':
		return p[at-2] == 'u'
	case 'c':
		return p[at-2] == 'e'
	case 'm':
		return p[at-2] == 'p'
	}
	return p[at-2] == 'h' && at >= 3 && p[at-3] == 'g'
}

func (s *scan) prefixed(at int, kinds []prefixed) (int, int, string) {
	p := s.text
	for k := range kinds {
		t := &kinds[k]
		start := at - strings.IndexByte(t.prefix, p[at])
		if start < 0 || !bytes.HasPrefix(p[start:], []byte(t.prefix)) || start > 0 && classWord[p[start-1]] {
			continue
		}
		n := run(p, start+len(t.prefix), t.rest)
		if end := start + len(t.prefix) + n; n >= t.least || s.more && end == len(p) && n > 0 {
			return start, end, t.rule
		}
	}
	return 0, 0, ""
}

// jwt finds a JSON Web Token (RFC 7519) in compact form by the "eyJ" that its
// header begins with.
func (s *scan) jwt(at int) (int, int, string) {
	p := s.text
	start := at - 2
	if start < 0 || p[start] != 'e' || p[start+1] != 'y' || start > 0 && classWord[p[start-1]] {
		return 0, 0, ""
	}
	end := at + run(p, at, classURL)
	if s.more && end == len(p) && end-start > 4 {
		return start, end, RuleJWT // cut off
	}
	dots := 0
	for end < len(p) && p[end] == '.' && dots < 4 { // only a signature may be empty
		n := run(p, end+1, classURL)
		if n == 0 && dots != 1 && !(s.more && end+1 == len(p)) {
			break
		}
		dots++
		end += 1 + n
	}
	if dots < 2 && !(s.more && dots == 1 && end == len(p)) || end-start < 16 {
		return 0, 0, ""
	}
	return start, end, RuleJWT
}

// cloudKey finds access keys of AWS and API keys of Google by their "I".
func (s *scan) cloudKey(at int) (int, int, string) {
	p := s.text
	if start := at - 2; start >= 0 && at+1 < len(p) && p[at+1] == 'A' && (p[start] == 'A') && (p[start+1] == 'K' || p[start+1] == 'S') {
		end := start + 4 + run(p, start+4, classUpper)
		if n := end - start; (n == 20 || s.more && end == len(p) && n > 4) && (start == 0 || !classWord[p[start-1]]) {
			return start, end, RuleAWS
		}
	}
	if start := at - 1; start >= 0 && p[start] == 'A' && bytes.HasPrefix(p[start:], []byte("AIza")) {
		end := start + 4 + run(p, start+4, classURL)
		if n := end - start; n >= 39 || s.more && end == len(p) && n > 4 {
			return start, end, RuleGoogle
		}
	}
	return 0, 0, ""
}

// scheme finds the credentials after "Bearer " and "Basic ".
func (s *scan) scheme(at int) (int, int, string) {
	p := s.text
	if at > 0 && classWord[p[at-1]] {
		return 0, 0, ""
	}
	switch {
	case hasFold(p[at:], "bearer"):
		start, ok := afterSpace(p, at+len("bearer"))
		n := run(p, start, classBearer)
		if ok && (n >= 8 || s.more && start+n == len(p) && n > 0) {
			return start, start + n, RuleBearer
		}
	case hasFold(p[at:], "basic"):
		start, ok := afterSpace(p, at+len("basic"))
		n := run(p, start, classBase64)
		if ok && (isBasic(p[start:start+n]) || s.more && start+n == len(p) && n > 3) {
			return start, start + n, RuleBasic
		}
	}
	return 0, 0, ""
}

// isBasic reports whether token is a name with its password (RFC 7617).
func isBasic(token []byte) bool {
	if len(token) < 4 {
		return false
	}
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(string(token), "="))
	return err == nil && bytes.IndexByte(plain, ':') >= 0
}

// afterSpace skips white space, which may be escaped as in a query.
func afterSpace(p []byte, at int) (int, bool) {
	start := at
	for at < len(p) && (p[at] == ' ' || p[at] == '\t' || p[at] == '+') {
		at++
	}
	for bytes.HasPrefix(p[at:], []byte("%20")) {
		at += 3
	}
	return at, at > start
}

func hasFold(p []byte, lower string) bool {
	if len(p) < len(lower) {
		return false
	}
	for i := range len(lower) {
		if p[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// userInfo finds the password in scheme://user:password@host by its "@".
func (s *scan) userInfo(at int) (int, int, string) {
	p := s.text
	colon, limit := -1, max(0, at-512)
	for i := at - 1; i >= limit; i-- {
		switch c := p[i]; {
		case c == ':':
			if i+2 < at && p[i+1] == '/' && p[i+2] == '/' {
				if colon < 0 || colon+1 == at {
					return 0, 0, ""
				}
				return colon + 1, at, RuleURL
			}
			colon = i
		case c <= ' ' || c == '"' || c == '<' || c == '>' || c == '?':
			return 0, 0, ""
		}
	}
	return 0, 0, ""
}

var (
	dashes     = []byte("-----")
	keyBegins  = []byte("-----BEGIN ")
	keyEnds    = []byte("-----END ")
	privateKey = []byte("PRIVATE KEY-----")
)

// privateKey finds a private key in PEM (RFC 7468), from the line after its
// BEGIN to its END, or to the end of p.
func (s *scan) privateKey(at int) (int, int, string) {
	p := s.text
	if !bytes.HasPrefix(p[at:], keyBegins) {
		return 0, at + len(dashes), ""
	}
	label := p[at+len(keyBegins):]
	i := bytes.Index(label[:min(len(label), 64)], privateKey)
	if i < 0 {
		return 0, at + len(keyBegins), ""
	}
	start := at + len(keyBegins) + i + len(privateKey)
	end := len(p)
	if i := bytes.Index(p[start:], keyEnds); i >= 0 {
		end = start + i
	}
	if end == start {
		return 0, end, ""
	}
	return start, end, RulePrivateKey
}
