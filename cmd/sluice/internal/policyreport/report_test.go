package policyreport_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.dev/cmd/sluice/internal/policyreport"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "suite.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const mixed = `
policy: |
  on_http_request:
    - name: posts
      expressions: ["req.method == 'POST'"]
      actions: [{type: deny}]
    - name: mark
      actions:
        - {type: add-headers, config: {headers: {x-a: b}}}
        - {type: custom-response, config: {status_code: 201}}
steps:
  - {name: right, expect: {status: 201}}
  - {name: wrong, expect: {status: 202}}
`

func TestTextTellsWhatDiffered(t *testing.T) {
	report := policyreport.Run(t.Context(), []string{write(t, mixed)}, true)
	var b strings.Builder
	if err := report.Text(&b); err != nil || report.Passed {
		t.Fatal(err, report.Passed)
	}
	for _, part := range []string{
		"ok    right", "FAIL  wrong", "status: want 202, got 201", "- rule 0 posts, false: req.method == 'POST'", "+ rule 1 mark",
		`{"headers_added":{"x-a":"b"}}`, "decided", "coverage: 1 of 2 rules matched, 2 of 3 actions ran",
		"line 2: on_http_request[0] (posts) never matched; reached 2 times", "1 suites, 2 steps, 1 failed",
	} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("no %q in\n%s", part, b.String())
		}
	}
}

func TestJSON(t *testing.T) {
	report := policyreport.Run(t.Context(), []string{write(t, mixed), write(t, "policy: 'x: y'\nsteps: [{}]"), "absent.yaml"}, true)
	text, err := report.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Passed bool
		Suites []struct {
			Passed   bool
			Error    string
			Problems []string
			Coverage *struct{ Missed []struct{ Path string } }
			Steps    []struct {
				Name     string
				Passed   bool
				Failures []string
				Trace    struct {
					Phases []struct{ Rules []struct{ Name string } }
				}
			}
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	first := got.Suites[0]
	if got.Passed || first.Passed || !first.Steps[0].Passed || first.Steps[1].Passed || len(first.Steps[1].Failures) != 1 ||
		first.Steps[1].Trace.Phases[0].Rules[1].Name != "mark" || first.Coverage.Missed[0].Path != "on_http_request[0]" {
		t.Errorf("got %s", text)
	}
	if got.Suites[1].Passed || len(got.Suites[1].Problems) == 0 || got.Suites[2].Passed || got.Suites[2].Error == "" {
		t.Errorf("got %s", text)
	}
}
