package trafficpolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// clockSkew is how far the clocks of issuer and gateway may differ.
const clockSkew = 30 * time.Second

// maxToken bounds the work of parsing what a client sends as a token.
const maxToken = 64 << 10 // bytes

var (
	errNoKeySets = errors.New("jwt-validation: this gateway has no way to fetch keys")
	errSignature = errors.New("jwt-validation: no key verifies the signature")
)

// token is a JSON Web Token (RFC 7519) in compact form.
type token struct {
	jws       *jose.JSONWebSignature
	header    map[string]any
	payload   map[string]any
	signature string
	location  string
	property  string
	verified  bool
}

// parseToken reads a token whose algorithm is one of those allowed.
func parseToken(found foundText, algorithms []jose.SignatureAlgorithm) (*token, error) {
	if len(found.text) > maxToken {
		return nil, &failure{CodeTokenMalformed, fmt.Errorf("jwt-validation: the token has more than %d bytes", maxToken)}
	}
	jws, err := jose.ParseSignedCompact(found.text, algorithms)
	if err != nil {
		code := CodeTokenMalformed
		if other := (*jose.ErrUnexpectedSignatureAlgorithm)(nil); errors.As(err, &other) {
			code = CodeTokenInvalid
		}
		return nil, &failure{code, fmt.Errorf("jwt-validation: %w", err)}
	}
	parts := strings.Split(found.text, ".")
	t := &token{jws: jws, signature: parts[len(parts)-1]}
	if t.header, err = decodeSegment(parts[0]); err != nil {
		return nil, &failure{CodeTokenMalformed, fmt.Errorf("jwt-validation: header: %w", err)}
	}
	if err := json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &t.payload); err != nil || t.payload == nil {
		return nil, &failure{CodeTokenMalformed, errors.New("jwt-validation: the payload is not a JSON object")}
	}
	return t, nil
}

// result is the token as the result variable shows it.
func (t *token) result() any {
	return map[string]any{"header": t.header, "payload": t.payload, "signature": t.signature,
		"location": t.location, "location_property": t.property, "verified": t.verified}
}

// verify tries the keys that the token can be signed with. named says that one
// of them has the name that the token gives (kid).
func (t *token) verify(keys []jose.JSONWebKey) (ok, named bool) {
	h := t.jws.Signatures[0].Protected
	for i := range keys {
		key := &keys[i]
		if h.KeyID != "" && key.KeyID != h.KeyID || key.Algorithm != "" && key.Algorithm != h.Algorithm {
			continue
		}
		named = named || h.KeyID != ""
		if _, err := t.jws.Verify(key.Key); err == nil {
			return true, true
		}
	}
	return false, named
}

// checkKind wants access tokens that say so (RFC 9068 section 4).
func (t *token) checkKind(kind string) error {
	typ, _ := t.header["typ"].(string)
	if kind == "at+jwt" && !strings.EqualFold(strings.TrimPrefix(strings.ToLower(typ), "application/"), kind) {
		return &failure{CodeTokenInvalid, fmt.Errorf("jwt-validation: the token's type is %q, not at+jwt", typ)}
	}
	return nil
}

// checkTime compares exp and nbf (RFC 7519 sections 4.1.4 and 4.1.5); a token
// without them has no limits.
func (t *token) checkTime(now time.Time) error {
	expires, err := t.moment("exp")
	if err == nil && !expires.IsZero() && !now.Before(expires.Add(clockSkew)) {
		err = errors.New("the token has expired")
	}
	begins, err2 := t.moment("nbf")
	if err2 == nil && now.Add(clockSkew).Before(begins) {
		err2 = errors.New("the token is not valid yet")
	}
	if err = errors.Join(err, err2); err != nil {
		return &failure{CodeTokenInvalid, fmt.Errorf("jwt-validation: %w", err)}
	}
	return nil
}

// moment reads a NumericDate; the zero time when there is none.
func (t *token) moment(claim string) (time.Time, error) {
	value, ok := t.payload[claim]
	if !ok {
		return time.Time{}, nil
	}
	seconds, ok := value.(float64)
	if !ok || math.IsNaN(seconds) || math.Abs(seconds) > 1e12 {
		return time.Time{}, fmt.Errorf("%s is not a time", claim)
	}
	return time.UnixMilli(int64(seconds * 1000)), nil
}

func (t *token) audience() []string {
	switch aud := t.payload["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		var out []string
		for _, v := range aud {
			if s, ok := v.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}
