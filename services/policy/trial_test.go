package policy_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/testenv"
)

const triedPolicy = `
on_http_request:
  - name: login
    expressions: ["req.headers['authorization'][0] != 'Bearer ' + secrets.get('v', 'token')"]
    actions: [{type: deny, config: {status_code: 401}}]
  - name: limit
    actions:
      - {type: rate-limit, config: {name: n, algorithm: sliding_window, capacity: 1, rate: 60s, bucket_key: [req.host]}}
      - {type: add-headers, config: {headers: {x-client: "${conn.client_ip}"}}}
on_http_response:
  - actions: [{type: log, config: {metadata: {status: "${res.status_code}"}}}]
`

func TestTestPolicy(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	client := policyv1.NewTrafficPolicyServiceClient(r)
	token := []*capturev1.Header{{Name: "Authorization", Value: "Bearer s3cr3t-s3cr3t"}}
	got, err := client.TestPolicy(within(t), &policyv1.TestPolicyRequest{
		TrafficPolicy: triedPolicy, EndpointUrl: "http://*.shop.test", Secrets: map[string]string{"v/token": "s3cr3t-s3cr3t"},
		Exchanges: []*policyv1.PolicyTestExchange{
			{Method: "POST", Url: "/a%20b?c=1", Headers: token, Body: []byte("text"), ClientIp: "2001:db8::1", Upstream: &policyv1.PolicyTestAnswer{StatusCode: 201, Body: []byte("made")}},
			{Headers: token, After: durationpb.New(time.Second)},
			{Headers: []*capturev1.Header{{Name: "authorization", Value: "x"}}},
			{Headers: token, After: durationpb.New(time.Hour)},
		},
	})
	if err != nil || !got.GetValid() || len(got.GetResults()) != 4 {
		t.Fatal(got, err)
	}
	var outcomes []string
	for _, x := range got.GetResults() {
		outcomes = append(outcomes, strings.TrimPrefix(x.GetOutcome().String(), "OUTCOME_")+" "+x.GetErrorCode())
	}
	if all := strings.Join(outcomes, ", "); all != "FORWARDED , ANSWERED SLUICE_4029, ANSWERED SLUICE_4403, FORWARDED " {
		t.Errorf("got %s", all)
	}
	first := got.GetResults()[0]
	up := first.GetForwarded()
	if up.GetUrl() != "http://test.shop.test/a%20b?c=1" || up.GetPath() != "/a b" || up.GetMethod() != "POST" || string(up.GetBody().GetContent()) != "text" ||
		!strings.Contains(up.String(), "2001:db8::1") || first.GetResponse().GetStatusCode() != 201 || string(first.GetResponse().GetBody().GetContent()) != "made" {
		t.Errorf("got %v", first)
	}
	if len(first.GetLogs()) != 1 || len(first.GetTrace().GetPhases()) != 2 || strings.Contains(first.GetTrace().String(), "s3cr3t") {
		t.Errorf("got %v", first)
	}
	if limited := got.GetResults()[1]; limited.GetRule() != "limit" || limited.GetAction() != "rate-limit" || limited.GetForwarded() != nil {
		t.Errorf("got %v", limited)
	}
}

func TestTestPolicyRefuses(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	client := policyv1.NewTrafficPolicyServiceClient(r)
	one := []*policyv1.PolicyTestExchange{{}}
	wrong, err := client.TestPolicy(within(t), &policyv1.TestPolicyRequest{TrafficPolicy: "x: 1", Exchanges: one})
	if err != nil || wrong.GetValid() || len(wrong.GetProblems()) == 0 || len(wrong.GetResults()) != 0 {
		t.Errorf("a wrong document: %v, %v", wrong, err)
	}
	for name, req := range map[string]*policyv1.TestPolicyRequest{
		"no exchange":       {TrafficPolicy: triedPolicy},
		"a bad client":      {TrafficPolicy: triedPolicy, Exchanges: []*policyv1.PolicyTestExchange{{ClientIp: "me"}}},
		"a bad URL":         {TrafficPolicy: triedPolicy, Exchanges: []*policyv1.PolicyTestExchange{{Url: "http://a b"}}},
		"another protocol":  {TrafficPolicy: triedPolicy, Exchanges: one, EndpointUrl: "tcp://a.test:1"},
		"a time before now": {TrafficPolicy: triedPolicy, Exchanges: []*policyv1.PolicyTestExchange{{After: durationpb.New(-1)}}},
	} {
		if _, err := client.TestPolicy(within(t), req); !errs.Is(err, errs.ReasonInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
