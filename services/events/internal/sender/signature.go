package sender

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

const secretPrefix = "whsec_"

// signer makes signatures of the Standard Webhooks specification, scheme v1.
type signer struct{ key []byte }

// sign covers the exact bytes that are sent; id must hold no full stop.
func (s *signer) sign(id, unixSeconds string, body []byte) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(id + "." + unixSeconds + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// parseSecret reads "whsec_" and base64 of 24 to 64 bytes.
func parseSecret(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return nil, errors.New(`the secret must begin with "whsec_"`)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New(`what follows "whsec_" must be base64`)
	}
	if len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("the secret has %d bytes; the specification wants 24 to 64", len(key))
	}
	return key, nil
}
