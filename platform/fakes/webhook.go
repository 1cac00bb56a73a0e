package fakes

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tolerance is how far a signature's time may be from now.
const tolerance = 5 * time.Minute

// Delivery is a request that a webhook receiver accepted.
type Delivery struct {
	Path   string
	Header http.Header
	Body   []byte
}

// Webhook receives any POST. With a secret it wants signatures of the Standard
// Webhooks specification and answers 401 to wrong ones.
type Webhook struct {
	server
	secret     string
	deliveries []Delivery
}

// NewWebhook starts a receiver; secret is "whsec_" and base64, or empty.
func NewWebhook(secret string) *Webhook {
	h := &Webhook{secret: secret}
	h.start(h.take)
	return h
}

// Deliveries are the accepted requests, oldest first.
func (h *Webhook) Deliveries() []Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.deliveries)
}

func (h *Webhook) take(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if h.secret != "" {
		if err := Verify(h.secret, r.Header, body, time.Now()); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, err.Error())
			return
		}
	}
	h.deliveries = append(h.deliveries, Delivery{Path: r.URL.Path, Header: r.Header.Clone(), Body: body})
}

// Verify checks a request against the Standard Webhooks specification.
func Verify(secret string, header http.Header, body []byte, now time.Time) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return fmt.Errorf("the secret is no base64: %w", err)
	}
	id, stamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	if id == "" || strings.Contains(id, ".") {
		return fmt.Errorf("webhook-id %q cannot be signed", id)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("webhook-timestamp %q is no number of seconds", stamp)
	}
	if age := now.Sub(time.Unix(seconds, 0)).Abs(); age > tolerance {
		return fmt.Errorf("webhook-timestamp is %s off", age)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	for _, one := range strings.Fields(header.Get("webhook-signature")) {
		encoded, ok := strings.CutPrefix(one, "v1,")
		if got, err := base64.StdEncoding.DecodeString(encoded); ok && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return fmt.Errorf("no signature in %q is right", header.Get("webhook-signature"))
}
