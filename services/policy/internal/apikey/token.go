package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
)

const (
	tokenPrefix = "sk_"
	tokenBytes  = 32
)

// newToken makes a secret of 256 random bits.
func newToken() string {
	raw := make([]byte, tokenBytes)
	rand.Read(raw) // never fails, see its documentation
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(raw)
}

// digest is what is kept of a token. A plain hash is enough: a token has too many
// bits to be guessed.
func digest(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// checkForm refuses what cannot be a token, with a hint at what it is instead.
func checkForm(token string) error {
	switch {
	case token == "":
		return errs.New(codes.Unauthenticated, errs.ReasonNoKey, "an API key is needed: send \"authorization: Bearer sk_...\"")
	case id.APIKey.Valid(token):
		return errs.New(codes.Unauthenticated, errs.ReasonBadKey, "this is the id of an API key; send the key's token, which begins with %s", tokenPrefix)
	case !strings.HasPrefix(token, tokenPrefix) || len(token) != len(tokenPrefix)+base64.RawURLEncoding.EncodedLen(tokenBytes):
		return errs.New(codes.Unauthenticated, errs.ReasonBadKey, "this is not an API key: a key begins with %s and has %d characters", tokenPrefix, len(tokenPrefix)+base64.RawURLEncoding.EncodedLen(tokenBytes))
	}
	return nil
}

func unknown() error {
	return errs.New(codes.Unauthenticated, errs.ReasonBadKey, "no API key has this token; it may have been revoked")
}
