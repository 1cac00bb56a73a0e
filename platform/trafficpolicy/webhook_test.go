package trafficpolicy_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/policytest"
)

// signedWebhook is one entry of testdata/webhooks.yaml.
type signedWebhook struct {
	Provider, Secret, Method, URL, Body string
	Headers                             map[string]string
	Start                               time.Time
	Timed                               bool
	BodyUnsigned                        bool `yaml:"body_unsigned"`
}

func (w signedWebhook) suite(secret string) policytest.Suite {
	policy := fmt.Sprintf("on_http_request: [{actions: [{type: verify-webhook, config: {provider: %s, secret: %q}}]}]", w.Provider, secret)
	return policytest.Suite{Protocol: trafficpolicy.HTTPS, Policy: policy, Start: w.Start}
}

func (w signedWebhook) step(name string, status int) policytest.Step {
	step := policytest.Step{Name: w.Provider + ": " + name, Repeat: 1, Expect: policytest.Expect{Status: status},
		Request: policytest.Request{Method: w.Method, URL: w.URL, Headers: w.Headers, Body: w.Body}}
	if status == 200 {
		step.Expect.Forwarded = &policytest.Forwarded{Body: &w.Body}
		step.Expect.Results = map[string]any{"verify_webhook.verified": true}
	}
	return step
}

// TestSignedWebhooks takes every signed request, and refuses it when its body,
// secret, signature or time is another.
func TestSignedWebhooks(t *testing.T) {
	text, err := os.ReadFile("testdata/webhooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []signedWebhook
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, w := range all {
		seen[w.Provider] = true
		refused := 403
		if w.Provider == "xero" {
			refused = 401
		}
		suite := w.suite(w.Secret)
		changed := w
		changed.Body = strings.TrimSuffix(w.Body, "}") + "}"
		if changed.Body += " "; !w.BodyUnsigned && w.Body != "" {
			suite.Steps = append(suite.Steps, changed.step("another body", refused))
		}
		unsigned := w
		unsigned.Headers = map[string]string{"content-type": "text/plain"}
		if w.Provider == "mailgun" {
			unsigned.Body = "{}"
		}
		suite.Steps = append(suite.Steps, w.step("as signed", 200), unsigned.step("no signature", refused))
		if w.Timed {
			late := w.step("just in time", 200)
			late.At = 3 * time.Minute
			tooLate := w.step("too late", refused)
			tooLate.At = 3*time.Minute + time.Second
			suite.Steps = append(suite.Steps, late, tooLate)
		}
		runSuite(t, &suite)
		other := w.suite("MFkwEwYHKoZIzj0C")
		other.Steps = []policytest.Step{w.step("another secret", refused)}
		runSuite(t, &other)
	}
	for _, a := range trafficpolicy.Actions() {
		if a.Type != "verify-webhook" {
			continue
		}
		for _, provider := range a.Fields[0].Values {
			if _, problems := trafficpolicy.Compile((signedWebhook{Provider: provider}).suite("x").Policy); len(problems) == 0 && !seen[provider] && !slices.Contains([]string{"sonatype_nexus", "signalsciences", "sns"}, provider) {
				t.Errorf("no test of %s", provider)
			}
		}
	}
}
