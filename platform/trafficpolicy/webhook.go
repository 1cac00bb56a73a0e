package trafficpolicy

import (
	"crypto/hmac"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sluice.dev/platform/message"
)

// webhookRequest is a request whose signature is to be checked.
type webhookRequest struct {
	*message.Request
	content   []byte
	now       time.Time
	tolerance time.Duration // between now and the time that is signed
	fetch     func(certificateURL string) (*rsa.PublicKey, error)
}

// verify reports whether the request is signed with the secret. It compares in
// a time that does not depend on where signatures differ.
func (s *webhookScheme) verify(q *webhookRequest, secret string) bool {
	if s.check != nil {
		return s.check(q, secret)
	}
	return s.verifyMAC(q, secret)
}

func (s *webhookScheme) verifyMAC(q *webhookRequest, secret string) bool {
	key := []byte(secret)
	if s.key != nil {
		var err error
		if key, err = s.key(secret); err != nil || len(key) == 0 {
			return false
		}
	}
	for _, header := range s.headers {
		value := q.Header.Get(header)
		stamp := q.Header.Get(s.time)
		if s.stamp != "" {
			stamp = first(labels(value, s.stamp))
		}
		if value == "" || (s.time != "" || s.stamp != "") && !q.recent(stamp) {
			continue
		}
		mac := hmac.New(s.hash, key)
		mac.Write(q.signed(s, stamp))
		want := mac.Sum(nil)
		for _, signature := range s.signatures(value) {
			if got, err := s.decode(signature); err == nil && hmac.Equal(got, want) {
				return true
			}
		}
	}
	return false
}

// signatures takes a header value apart.
func (s *webhookScheme) signatures(value string) []string {
	switch {
	case s.label != "":
		return labels(value, s.label)
	case s.spaced:
		var out []string
		for item := range strings.FieldsSeq(value) {
			if signature, found := strings.CutPrefix(item, "v1,"); found {
				out = append(out, signature)
			}
		}
		return out
	}
	signature, found := strings.CutPrefix(value, s.prefix)
	if !found {
		return nil
	}
	return []string{signature}
}

func (s *webhookScheme) decode(signature string) ([]byte, error) {
	if s.base64 {
		return base64.StdEncoding.DecodeString(signature)
	}
	return hex.DecodeString(signature)
}

// labels returns the values with a label in a list label=value,...
func labels(list, label string) []string {
	var out []string
	for item := range strings.SplitSeq(list, ",") {
		if name, value, found := strings.Cut(strings.TrimSpace(item), "="); found && name == label {
			out = append(out, value)
		}
	}
	return out
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// signed is the text that the provider signed: the scheme's content with the
// names in braces replaced by parts of the request.
func (q *webhookRequest) signed(s *webhookScheme, stamp string) []byte {
	out := make([]byte, 0, len(q.content)+256)
	rest := s.content
	for {
		literal, after, found := strings.Cut(rest, "{")
		out = append(out, literal...)
		if !found {
			return out
		}
		name, next, _ := strings.Cut(after, "}")
		out = q.part(out, s, name, stamp)
		rest = next
	}
}

func (q *webhookRequest) part(out []byte, s *webhookScheme, name, stamp string) []byte {
	switch name {
	case "body":
		return append(out, q.content...)
	case "time":
		return append(out, stamp...)
	case "id":
		return append(out, q.Header.Get(s.id)...)
	case "method":
		return append(out, q.Method...)
	case "url":
		return append(out, q.address()...)
	case "base_url": // without the query
		base, _, _ := strings.Cut(q.address(), "?")
		return append(out, base...)
	case "hubspot_url":
		return append(out, hubspotEscapes.Replace(q.address())...)
	}
	return out
}

// hubspotEscapes are decoded before HubSpot signs a URL.
var hubspotEscapes = strings.NewReplacer("%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$", "%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";")

// address is the URL that the provider called.
func (q *webhookRequest) address() string { return currentURL(q.Request) }

// recent reports whether a signed time is near enough to now, so that a request
// that someone recorded cannot be sent again later.
func (q *webhookRequest) recent(stamp string) bool {
	at, err := webhookTime(stamp)
	return err == nil && q.now.Sub(at).Abs() <= q.tolerance
}

// webhookTime reads seconds or milliseconds since 1970, or RFC 3339, where a time
// without a zone is in UTC.
func webhookTime(stamp string) (time.Time, error) {
	if n, err := strconv.ParseInt(stamp, 10, 64); err == nil {
		if n > 1e11 { // as seconds, the year 5138
			return time.UnixMilli(n), nil
		}
		return time.Unix(n, 0), nil
	}
	if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
		return at, nil
	}
	return time.Parse("2006-01-02T15:04:05.999999999", stamp)
}

// standardKey reads a secret of the Standard Webhooks form: whsec_ and base64.
func standardKey(secret string) ([]byte, error) {
	return base64Key(strings.TrimPrefix(secret, "whsec_"))
}

func base64Key(secret string) ([]byte, error) {
	if key, err := base64.StdEncoding.DecodeString(secret); err == nil {
		return key, nil
	}
	return base64.RawStdEncoding.DecodeString(secret)
}

var errNotForm = errors.New("not a form")

// form reads the body's parameters.
func (q *webhookRequest) form() (url.Values, error) {
	if mediaType(q.Header) != "application/x-www-form-urlencoded" {
		return nil, errNotForm
	}
	return url.ParseQuery(string(q.content))
}
