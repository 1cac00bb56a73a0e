package redact

import (
	"net/url"
	"strings"
)

// secretParameters are the names, lower case without separators, of query
// parameters whose values are secrets.
var secretParameters = map[string]bool{
	"token": true, "accesstoken": true, "refreshtoken": true, "idtoken": true, "authtoken": true, "sessiontoken": true,
	"apikey": true, "apitoken": true, "apisecret": true, "auth": true, "authorization": true, "bearer": true,
	"password": true, "passwd": true, "pwd": true, "pass": true, "passphrase": true, "secret": true, "clientsecret": true,
	"signature": true, "sig": true, "hmac": true, "jwt": true, "assertion": true, "clientassertion": true, "codeverifier": true,
	"sessionid": true, "sid": true, "privatekey": true, "accesskey": true, "secretkey": true, "subscriptionkey": true,
	"credential": true, "credentials": true,
}

// secretEndings make longer names secret, such as X-Amz-Signature or
// new_password. "token" alone is not among them: page tokens are no secrets.
var secretEndings = []string{
	"password", "secret", "signature", "apikey", "accesstoken", "authtoken", "sessiontoken", "securitytoken",
	"refreshtoken", "csrftoken", "xsrftoken", "amzcredential", "googcredential", "accesskeyid",
}

// Query returns a raw query (without "?") in which the values of parameters with
// names such as token, api_key, password or signature are replaced, and whether
// any was. Everything else keeps its bytes.
func Query(raw string) (string, bool) {
	if !strings.Contains(raw, "=") {
		return raw, false
	}
	return query{}.redact(raw, "&")
}

// query says what of a query is replaced besides parameters with telling names.
type query struct {
	m     marker
	named map[string]string // rule by parameter
	off   bool              // names tell nothing
}

// redact redacts pairs between separators. Within a pair that stays, ";" is
// tried as a separator too, as some servers do.
func (q query) redact(raw, separator string) (string, bool) {
	var b strings.Builder
	kept := 0 // raw[:kept] is in b
	for start := 0; start < len(raw); {
		end := len(raw)
		if i := strings.Index(raw[start:], separator); i >= 0 {
			end = start + i
		}
		if replaced, changed := q.pair(raw[start:end]); changed {
			b.WriteString(raw[kept:start])
			b.WriteString(replaced)
			kept = end
		}
		start = end + 1
	}
	if kept == 0 {
		return raw, false
	}
	b.WriteString(raw[kept:])
	return b.String(), true
}

func (q query) pair(pair string) (string, bool) {
	name, value, found := strings.Cut(pair, "=")
	if found && value != "" {
		if rule := q.rule(name); rule != "" {
			return name + "=" + q.m.mark(rule, name, value), true
		}
	}
	if strings.Contains(pair, ";") {
		return q.redact(pair, ";")
	}
	return pair, false
}

// clean reports whether redact would change nothing.
func (q query) clean(raw string, separator byte) bool {
	for raw != "" {
		pair := raw
		if i := strings.IndexByte(raw, separator); i >= 0 {
			pair, raw = raw[:i], raw[i+1:]
		} else {
			raw = ""
		}
		name, value, found := strings.Cut(pair, "=")
		if found && value != "" && q.rule(name) != "" || separator != ';' && strings.IndexByte(pair, ';') >= 0 && !q.clean(pair, ';') {
			return false
		}
	}
	return true
}

func (q query) rule(name string) string {
	if !q.off && isSecretName(name) {
		return RuleURL
	}
	if len(q.named) == 0 {
		return ""
	}
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	return q.named[name]
}

func isSecretName(name string) bool {
	if strings.ContainsAny(name, "%+") {
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
	}
	var buffer [64]byte
	return endsLikeSecret(name) && isSecretWord(lettersOf(buffer[:0], name))
}

// lettersOf is a name in lower case without what is no letter or digit.
func lettersOf[T string | []byte](into []byte, name T) []byte {
	for i := range len(name) {
		switch c := name[i]; {
		case 'A' <= c && c <= 'Z':
			into = append(into, c+'a'-'A')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			into = append(into, c)
		}
	}
	return into
}

func isSecretWord(letters []byte) bool {
	if secretParameters[string(letters)] {
		return true
	}
	for _, ending := range secretEndings {
		if n := len(letters) - len(ending); n >= 0 && string(letters[n:]) == ending {
			return true
		}
	}
	return false
}

// URL returns raw fit for logs and errors: user info and token-like parameters of
// query and fragment are replaced. It takes any text, also what is no valid URL.
func URL(raw string) string { return urlText(raw, nil) }

func urlText(raw string, m marker) string {
	rest, fragment, hasFragment := strings.Cut(raw, "#")
	rest, parameters, hasQuery := strings.Cut(rest, "?")
	out, q := withoutUser(rest, m), query{m: m}
	if hasQuery {
		parameters, _ = q.redact(parameters, "&")
		out += "?" + parameters
	}
	if hasFragment {
		fragment, _ = q.redact(fragment, "&")
		out += "#" + fragment
	}
	return out
}

func withoutUser(base string, m marker) string {
	start := strings.Index(base, "//")
	if start < 0 {
		return base
	}
	start += len("//")
	end := len(base)
	if i := strings.Index(base[start:], "/"); i >= 0 {
		end = start + i
	}
	at := strings.LastIndex(base[start:end], "@")
	if at < 0 {
		return base
	}
	return base[:start] + m.mark(RuleURL, "", base[start:start+at]) + base[start+at:]
}
