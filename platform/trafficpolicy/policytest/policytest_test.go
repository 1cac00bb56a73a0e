package policytest_test

import (
	"strings"
	"testing"

	"sluice.dev/platform/trafficpolicy/policytest"
)

const wrong = `
policy: |
  on_http_request:
    - actions: [{type: deny}]
steps:
  - name: expects the opposite
    expect: {status: 200, closed: true, headers: {x: y}, body: text, rule: other, forwarded: {target: /}, results: {a.b: 1}, logs: [{a: 1}]}
`

func TestEveryDifferenceIsReported(t *testing.T) {
	suite, err := policytest.Load([]byte(wrong))
	if err != nil {
		t.Fatal(err)
	}
	results, problems := suite.Run(t.Context())
	if len(problems) > 0 || len(results) != 1 {
		t.Fatal(results, problems)
	}
	got := strings.Join(results[0].Failures, "\n")
	for _, part := range []string{"closed: want true", "status: want 200, got 403", `header x: want "y", got "-"`, `body: want "text"`, `rule: want "other", got "on_http_request[0]"`,
		"forwarded: want the request, got nothing", `result a.b: want 1, got "(absent)"`, `logs: want [{"a":1}]`} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"unknown field": "policy: a\nsteps: [{expects: {}}]",
		"no steps":      "policy: a",
		"no policy":     "steps: [{}]",
		"no YAML":       "{",
	} {
		if _, err := policytest.Load([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestFaultyPolicyRunsNothing(t *testing.T) {
	suite, err := policytest.Load([]byte("policy: 'a: b'\nsteps: [{}]"))
	if err != nil {
		t.Fatal(err)
	}
	if results, problems := suite.Run(t.Context()); results != nil || len(problems.Errors()) == 0 {
		t.Error(results, problems)
	}
}
