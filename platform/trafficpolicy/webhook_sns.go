package trafficpolicy

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // version 1 of the signature uses it
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// snsMessage is what Amazon SNS sends to an HTTP subscriber.
type snsMessage struct {
	Type, MessageID, TopicArn, Subject, Message, Timestamp, Token string
	SubscribeURL, SignatureVersion, Signature, SigningCertURL     string
	HasSubject                                                    bool `json:"-"`
}

// snsHost is where certificates may come from: what Amazon alone can serve.
var snsHost = regexp.MustCompile(`^sns\.[a-z0-9-]{2,32}\.amazonaws\.com(\.cn)?$`)

// checkSNS verifies the signature of Amazon SNS by its public certificate. The
// secret is the ARN of the topic: messages of all topics are signed alike, and
// anyone may have one.
func checkSNS(q *webhookRequest, topic string) bool {
	var m snsMessage
	var present map[string]json.RawMessage
	if json.Unmarshal(q.content, &m) != nil || json.Unmarshal(q.content, &present) != nil {
		return false
	}
	_, m.HasSubject = present["Subject"]
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	if err != nil || subtle.ConstantTimeCompare([]byte(m.TopicArn), []byte(topic)) == 0 || !q.recent(m.Timestamp) || q.fetch == nil {
		return false
	}
	u, err := url.Parse(m.SigningCertURL)
	if err != nil || u.Scheme != "https" || u.User != nil || !snsHost.MatchString(u.Host) || !strings.HasSuffix(u.Path, ".pem") {
		return false
	}
	key, err := q.fetch(u.String())
	if err != nil {
		return false
	}
	text := m.signed()
	switch m.SignatureVersion {
	case "1":
		sum := sha1.Sum([]byte(text)) //nolint:gosec // as the provider signs
		return rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature) == nil
	case "2":
		sum := sha256.Sum256([]byte(text))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}

// signed is the text that is signed: names and values, each on a line.
func (m *snsMessage) signed() string {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(name + "\n" + value + "\n") }
	line("Message", m.Message)
	line("MessageId", m.MessageID)
	if m.Type == "Notification" {
		if m.HasSubject && m.Subject != "" {
			line("Subject", m.Subject)
		}
	} else {
		line("SubscribeURL", m.SubscribeURL)
	}
	line("Timestamp", m.Timestamp)
	if m.Type != "Notification" {
		line("Token", m.Token)
	}
	line("TopicArn", m.TopicArn)
	line("Type", m.Type)
	return b.String()
}

// certificates keeps the keys of certificates by their URLs.
type certificates struct {
	mu   sync.Mutex
	keys map[string]*rsa.PublicKey
}

const (
	maxCertificate  = 64 << 10 // bytes
	maxCertificates = 64
)

// fetch reads a certificate once. Its time is not looked at: Amazon renews them
// under other URLs.
func (c *certificates) fetch(ctx context.Context, client HTTPClient, address string) (*rsa.PublicKey, error) {
	c.mu.Lock()
	key := c.keys[address]
	c.mu.Unlock()
	if key != nil {
		return key, nil
	}
	if client == nil {
		return nil, errors.New("this gateway has no way to make requests")
	}
	ctx, cancel := context.WithTimeout(ctx, keysDeadline)
	defer cancel()
	res, err := client.Do(ctx, &OutboundRequest{Method: http.MethodGet, URL: address})
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // what counts was read
	text, err := io.ReadAll(io.LimitReader(res.Body, maxCertificate))
	if err != nil || res.Status != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d: %w", address, res.Status, err)
	}
	if key, err = certificateKey(text); err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxCertificates {
		c.keys = map[string]*rsa.PublicKey{}
	}
	c.keys[address] = key
	return key, nil
}

func certificateKey(text []byte) (*rsa.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("not a certificate in PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("not a certificate with an RSA key")
	}
	return key, nil
}
