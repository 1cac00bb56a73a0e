package trafficpolicy_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // as the provider signs
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
)

const snsTopic = "arn:aws:sns:eu-west-1:123456789012:orders"

// certificateServer serves one certificate at one URL.
type certificateServer struct {
	url, pem string
	asked    int
}

func (s *certificateServer) Do(_ context.Context, req *trafficpolicy.OutboundRequest) (*trafficpolicy.OutboundResponse, error) {
	s.asked++
	if req.URL != s.url {
		return nil, errors.New("nobody answers")
	}
	return &trafficpolicy.OutboundResponse{Status: 200, Body: io.NopCloser(strings.NewReader(s.pem))}, nil
}

func TestSNS(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sns.amazonaws.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := &certificateServer{url: "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-01.pem", pem: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
	p, problems := trafficpolicy.Compile("on_http_request: [{actions: [{type: verify-webhook, config: {provider: sns, secret: '" + snsTopic + "'}}]}]")
	if p == nil {
		t.Fatal(problems)
	}
	now := time.Now()
	message1 := func() map[string]string {
		return map[string]string{"Type": "Notification", "MessageId": "m-1", "TopicArn": snsTopic, "Subject": "s", "Message": "hello", "Timestamp": now.UTC().Format(time.RFC3339), "SigningCertURL": server.url}
	}
	sign := func(m map[string]string, version string) map[string]string {
		m["SignatureVersion"] = version
		text := ""
		for _, name := range []string{"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"} {
			if value, ok := m[name]; ok {
				text += name + "\n" + value + "\n"
			}
		}
		hash, sum := crypto.SHA256, sha256.Sum256([]byte(text))
		digest := sum[:]
		if version == "1" {
			short := sha1.Sum([]byte(text)) //nolint:gosec // as the provider signs
			hash, digest = crypto.SHA1, short[:]
		}
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, hash, digest)
		if err != nil {
			t.Fatal(err)
		}
		m["Signature"] = base64.StdEncoding.EncodeToString(signature)
		return m
	}
	with := func(m map[string]string, name, value string) map[string]string { m[name] = value; return m }
	confirmation := message1()
	delete(confirmation, "Subject")
	confirmation["Type"], confirmation["Token"], confirmation["SubscribeURL"] = "SubscriptionConfirmation", "t", "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
	for name, c := range map[string]struct {
		message  map[string]string
		verified bool
	}{
		"version 1":           {sign(message1(), "1"), true},
		"version 2":           {sign(message1(), "2"), true},
		"a confirmation":      {sign(confirmation, "1"), true},
		"another message":     {with(sign(message1(), "2"), "Message", "x"), false},
		"another topic":       {sign(with(message1(), "TopicArn", "arn:aws:sns:eu-west-1:999999999999:orders"), "2"), false},
		"another certificate": {sign(with(message1(), "SigningCertURL", "https://evil.example/SimpleNotificationService-01.pem"), "2"), false},
		"a host like theirs":  {sign(with(message1(), "SigningCertURL", "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem"), "2"), false},
		"too late":            {sign(with(message1(), "Timestamp", now.Add(-time.Hour).UTC().Format(time.RFC3339)), "2"), false},
		"an unknown version":  {with(sign(message1(), "2"), "SignatureVersion", "3"), false},
	} {
		body, err := json.Marshal(c.message)
		if err != nil {
			t.Fatal(err)
		}
		req := &message.Request{Method: "POST", Scheme: "https", Host: "h", Target: "/", Proto: "HTTP/1.1", Body: io.NopCloser(strings.NewReader(string(body))), ContentLength: int64(len(body))}
		run := p.Start(trafficpolicy.Input{Request: req}, trafficpolicy.Services{HTTP: server, Now: func() time.Time { return now }})
		out, err := run.OnRequest(t.Context())
		if err != nil || (out == nil) != c.verified {
			t.Errorf("%s: %v, %v", name, out, err)
		}
		run.Release()
	}
	if server.asked != 1 {
		t.Errorf("the certificate was fetched %d times", server.asked)
	}
}
