package policytest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

const covered = `
endpoint: http://*.shop.test:8080/
policy: |
  on_tcp_connect:
    - expressions: ["conn.client_ip == '198.51.100.1'"]
      actions: [{type: deny}]
  on_http_request:
    - name: never
      expressions: ["req.method == 'PUT'"]
      actions: [{type: deny}]
    - name: often
      expressions: ["req.host == 'test.shop.test:8080' && req.url.path == '/a'"]
      actions:
        - {type: log, config: {metadata: {a: b}}}
        - {type: custom-response, config: {body: ok}}
    - actions: [{type: deny}]
steps:
  - {repeat: 3, request: {url: "/a?b=1"}, expect: {status: 200, body: ok}}
  - {request: {client_ip: 198.51.100.1}, expect: {closed: true}}
`

func TestCoverage(t *testing.T) {
	suite, err := policytest.Load([]byte(covered))
	if err != nil {
		t.Fatal(err)
	}
	results, problems := suite.Run(t.Context())
	for _, r := range results {
		if len(r.Failures) > 0 {
			t.Error(r.Failures, problems)
		}
	}
	want := []policytest.RuleCoverage{
		{Phase: "on_tcp_connect", Line: 2, Reached: 4, Matched: 1, Actions: []policytest.ActionCoverage{{Type: "deny", Line: 3, Ran: 1}}},
		{Phase: "on_http_request", Name: "never", Line: 5, Reached: 3, Actions: []policytest.ActionCoverage{{Type: "deny", Line: 7}}},
		{Phase: "on_http_request", Index: 1, Name: "often", Line: 8, Reached: 3, Matched: 3,
			Actions: []policytest.ActionCoverage{{Type: "log", Line: 11, Ran: 3}, {Index: 1, Type: "custom-response", Line: 12, Ran: 3}}},
		{Phase: "on_http_request", Index: 2, Line: 13, Actions: []policytest.ActionCoverage{{Type: "deny", Line: 13}}},
	}
	if diff := cmp.Diff(want, suite.Coverage(results)); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
}

func TestPolicyFileIsRelativeToTheSuite(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"policy.yaml":      "on_http_request: [{actions: [{type: deny, config: {status_code: 404}}]}]",
		"tests/suite.yaml": "policy_file: ../policy.yaml\nsteps: [{expect: {status: 404, error_code: SLUICE_4403}}]",
		"tests/lost.yaml":  "policy_file: nothing.yaml\nsteps: [{}]",
		"tests/both.yaml":  "policy_file: ../policy.yaml\npolicy: a\nsteps: [{}]",
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	suite, err := policytest.LoadFile(filepath.Join(dir, "tests/suite.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if results, _ := suite.Run(t.Context()); len(results) != 1 || len(results[0].Failures) > 0 {
		t.Error(results)
	}
	for _, name := range []string{"tests/lost.yaml", "tests/both.yaml", "tests/none.yaml"} {
		if _, err := policytest.LoadFile(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
