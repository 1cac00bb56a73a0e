package redact

import "strings"

// schemes are the words that may stand before credentials (IANA HTTP
// Authentication Scheme Registry, and common others). Only a known word is kept:
// an unknown one may be part of the secret.
var schemes = map[string]bool{
	"basic": true, "bearer": true, "digest": true, "dpop": true, "gnap": true, "hoba": true, "mutual": true,
	"negotiate": true, "ntlm": true, "oauth": true, "privatetoken": true, "scram-sha-1": true, "scram-sha-256": true,
	"vapid": true, "aws4-hmac-sha256": true, "hawk": true, "apikey": true, "token": true, "signature": true, "key": true, "bot": true,
}

// credentialsValue redacts the value of an Authorization header, RFC 9110
// section 11.6.2: the scheme stays.
func credentialsValue(value string, m marker) string {
	scheme, rest, found := strings.Cut(value, " ")
	rest = strings.TrimSpace(rest)
	if !found || rest == "" {
		return m.mark(RuleCredentials, "", value)
	}
	if m == nil {
		switch scheme { // the usual ones, without allocation
		case "Bearer":
			return "Bearer " + Mark
		case "Basic":
			return "Basic " + Mark
		}
	}
	if schemes[strings.ToLower(scheme)] {
		return scheme + " " + m.mark(RuleCredentials, "", rest)
	}
	return m.mark(RuleCredentials, "", value)
}

// cookies redacts the values of a Cookie header, RFC 6265 section 4.2.
func cookies(value string, m marker) string {
	var b strings.Builder
	b.Grow(len(value) + len(Mark))
	for i, pair := range strings.Split(value, ";") {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(cookiePair(strings.TrimSpace(pair), m))
	}
	return b.String()
}

// setCookie redacts the value of a Set-Cookie header and keeps its attributes,
// RFC 6265 section 4.1.
func setCookie(value string, m marker) string {
	pair, attributes, found := strings.Cut(value, ";")
	if !found {
		return cookiePair(pair, m)
	}
	return cookiePair(pair, m) + ";" + attributes
}

func cookiePair(pair string, m marker) string {
	name, value, found := strings.Cut(pair, "=")
	switch {
	case found && value == "" && m != nil: // such as one that is being deleted
		return pair
	case found:
		return name + "=" + m.mark(RuleCookies, name, value)
	case pair == "":
		return ""
	}
	return m.mark(RuleCookies, "", pair)
}
