package trafficpolicy

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs with it
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// Providers whose requests are not signed with an HMAC of their content.

// checkToken compares the secret itself, which GitLab sends.
func checkToken(q *webhookRequest, secret string) bool {
	return same(q.Header.Get("x-gitlab-token"), secret) == 1
}

// checkBuildkite takes either of the two ways that can be chosen there.
func checkBuildkite(q *webhookRequest, secret string) bool {
	if token := q.Header.Get("x-buildkite-token"); token != "" {
		return same(token, secret) == 1
	}
	s := stamped.in("x-buildkite-signature").stampedBy("timestamp").labelled("signature")
	return s.verifyMAC(q, secret)
}

// checkSvix takes Svix's own headers, or those without its name that it can be
// told to send.
func checkSvix(q *webhookRequest, secret string) bool {
	own, plain := svix, standard
	return own.verifyMAC(q, secret) || plain.verifyMAC(q, secret)
}

// checkMailgun reads time, token and signature from the body; the rest of it is
// not signed.
func checkMailgun(q *webhookRequest, secret string) bool {
	var body struct {
		Signature struct{ Timestamp, Token, Signature string } `json:"signature"`
	}
	if form, err := q.form(); err == nil {
		body.Signature.Timestamp, body.Signature.Token, body.Signature.Signature = form.Get("timestamp"), form.Get("token"), form.Get("signature")
	} else if json.Unmarshal(q.content, &body) != nil {
		return false
	}
	s := body.Signature
	got, err := hex.DecodeString(s.Signature)
	return err == nil && q.recent(s.Timestamp) && hmac.Equal(got, sum256(secret, s.Timestamp, s.Token))
}

func sum256(secret string, parts ...string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	for _, p := range parts {
		mac.Write([]byte(p))
	}
	return mac.Sum(nil)
}

// checkSendGrid verifies an ECDSA signature; the secret is the public key that
// SendGrid shows, DER in base64.
func checkSendGrid(q *webhookRequest, secret string) bool {
	der, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return false
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return false
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	signature, err := base64.StdEncoding.DecodeString(q.Header.Get("x-twilio-email-event-webhook-signature"))
	stamp := q.Header.Get("x-twilio-email-event-webhook-timestamp")
	if !ok || err != nil || !q.recent(stamp) {
		return false
	}
	digest := sha256.Sum256(append([]byte(stamp), q.content...))
	return ecdsa.VerifyASN1(key, digest[:], signature)
}

// checkTwilio covers calls with a form, whose parameters are signed with the
// URL, and calls with another body, whose hash is in the URL.
func checkTwilio(q *webhookRequest, secret string) bool {
	got, err := base64.StdEncoding.DecodeString(q.Header.Get("x-twilio-signature"))
	if err != nil {
		return false
	}
	var signed strings.Builder
	if form, err := q.form(); err == nil {
		names := make([]string, 0, len(form))
		for name := range form {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			values := slices.Sorted(slices.Values(form[name]))
			for _, value := range slices.Compact(values) {
				signed.WriteString(name + value)
			}
		}
	} else if !q.bodyHashInURL() {
		return false
	}
	ok := 0
	for _, address := range q.withPorts() {
		mac := hmac.New(sha1.New, []byte(secret))
		mac.Write([]byte(address + signed.String()))
		ok |= subtle.ConstantTimeCompare(mac.Sum(nil), got)
	}
	return ok == 1
}

// bodyHashInURL compares the body with the parameter bodySHA256; a request
// without a body needs none.
func (q *webhookRequest) bodyHashInURL() bool {
	if len(q.content) == 0 {
		return true
	}
	want, err := hex.DecodeString(q.Query().Get("bodySHA256"))
	got := sha256.Sum256(q.content)
	return err == nil && hmac.Equal(want, got[:])
}

// withPorts is the URL with and without the scheme's own port: Twilio signs
// either.
func (q *webhookRequest) withPorts() []string {
	address := q.address()
	scheme, rest, _ := strings.Cut(address, "://")
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	switch {
	case strings.HasSuffix(host, port):
		return []string{address, scheme + "://" + strings.TrimSuffix(host, port) + path}
	case strings.LastIndexByte(host, ':') <= strings.LastIndexByte(host, ']'):
		return []string{address, scheme + "://" + host + port + path}
	}
	return []string{address}
}
