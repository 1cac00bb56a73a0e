package trafficpolicy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sluice.dev/platform/message"
)

const (
	// maxCookie is what browsers surely keep of one cookie's value (RFC 6265
	// section 6.1); a longer value takes several cookies.
	maxCookie       = 3800 // bytes
	maxCookieParts  = 8
	cookiePrefix    = "sluice_"
	sessionCookieOf = cookiePrefix + "session_"
	flowCookieOf    = cookiePrefix + "login_"
)

var errCookie = errors.New("the cookie was not made here, or is too large")

// sessionKey derives the key of one login's cookies from the gateway's.
func sessionKey(secret []byte, info string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "sluice login "+info, 32)
	if err != nil {
		panic(err) // only for a length that is too large
	}
	return key
}

// seal encrypts a value for a cookie of that name: AES-256-GCM with a random
// nonce.
func (t *loginAttempt) seal(name string, value any) (string, error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	aead := t.aead()
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(name))), nil
}

func (t *loginAttempt) aead() cipher.AEAD {
	block, err := aes.NewCipher(t.key)
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has 16-byte blocks
	}
	return aead
}

// open reads a cookie that seal made; ok is false without one.
func (t *loginAttempt) open(name string, into any) (ok bool) {
	text := t.cookie(name)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	aead := t.aead()
	if err != nil || len(raw) < aead.NonceSize() {
		return false
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(name))
	return err == nil && json.Unmarshal(plain, into) == nil
}

// cookie joins the parts of a value.
func (t *loginAttempt) cookie(name string) string {
	parts := map[string]string{}
	for _, c := range t.r.vars.Request.Cookies() {
		if _, twice := parts[c.Name]; !twice && strings.HasPrefix(c.Name, name) {
			parts[c.Name] = c.Value
		}
	}
	text := parts[name]
	for i := 1; i < maxCookieParts; i++ {
		part, ok := parts[name+"."+strconv.Itoa(i)]
		if !ok {
			break
		}
		text += part
	}
	return text
}

// setCookie sets a value, in as many cookies as it takes, and removes those that
// an earlier, longer one took.
func (t *loginAttempt) setCookie(h *message.Header, name, value, domain string, age time.Duration) error {
	if len(value) > maxCookie*maxCookieParts {
		return errCookie
	}
	for i := range maxCookieParts {
		part := name
		if i > 0 {
			part += "." + strconv.Itoa(i)
		}
		c := &http.Cookie{Name: part, Path: "/", Domain: domain, HttpOnly: true, Secure: t.scheme() == "https", SameSite: http.SameSiteLaxMode, MaxAge: int(age / time.Second)}
		c.Value = value[:min(len(value), maxCookie)]
		value = value[len(c.Value):]
		if c.Value == "" {
			if !t.hasCookie(part) {
				continue
			}
			c.MaxAge = -1
		}
		h.Add("set-cookie", c.String())
	}
	return nil
}

func (t *loginAttempt) hasCookie(name string) bool {
	for _, c := range t.r.vars.Request.Cookies() {
		if c.Name == name {
			return true
		}
	}
	return false
}

// hideCookies takes the logins' cookies from the request: an upstream has no use
// for them.
func hideCookies(h *message.Header) {
	kept := (*h)[:0]
	for _, f := range *h {
		if message.EqualName(f.Name, "cookie") && strings.Contains(f.Value, cookiePrefix) {
			var pairs []string
			for pair := range strings.SplitSeq(f.Value, ";") {
				if pair = strings.TrimSpace(pair); !strings.HasPrefix(pair, sessionCookieOf) && !strings.HasPrefix(pair, flowCookieOf) {
					pairs = append(pairs, pair)
				}
			}
			if len(pairs) == 0 {
				continue
			}
			f.Value = strings.Join(pairs, "; ")
		}
		kept = append(kept, f)
	}
	*h = kept
}
