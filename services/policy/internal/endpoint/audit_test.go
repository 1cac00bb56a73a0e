package endpoint

import (
	"strings"
	"testing"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

func TestAuditedHidesSecretsOfThePolicy(t *testing.T) {
	e := &policyv1.Endpoint{Url: "https://a", TrafficPolicy: `on_http_request:
  - actions:
      - type: basic-auth
        config: {credentials: ["user:hunter2"], realm: shop}
      - type: add-headers
        config:
          headers: {authorization: Bearer hunter2, x-plain: visible}
`}
	got := Audited(e).GetTrafficPolicy()
	if strings.Contains(got, "hunter2") || !strings.Contains(got, "realm: shop") || !strings.Contains(got, "visible") {
		t.Errorf("got\n%s", got)
	}
	if !strings.Contains(e.GetTrafficPolicy(), "hunter2") {
		t.Error("the endpoint itself was changed")
	}
}

func TestAuditedKeepsAPolicyWithoutSecrets(t *testing.T) {
	text := "on_http_request:   # as written\n  - actions: [{type: deny}]\n"
	if got := Audited(&policyv1.Endpoint{TrafficPolicy: text}).GetTrafficPolicy(); got != text {
		t.Errorf("got %q", got)
	}
}
