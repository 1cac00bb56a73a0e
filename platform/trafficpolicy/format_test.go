package trafficpolicy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// meaning is all of a document that Compile looks at, without where it stands.
func meaning(t *testing.T, text string) string {
	t.Helper()
	doc, _ := Parse(text)
	if doc == nil {
		return "unparseable"
	}
	var b strings.Builder
	for _, ph := range Phases() {
		for i, r := range doc.Rules[ph] {
			fmt.Fprintf(&b, "%s[%d] %q %q\n", ph, i, r.Name, r.Expressions)
			for _, a := range r.Actions {
				fmt.Fprintf(&b, "  %s %q %s\n", a.Type, a.Name, plain(t, a.config))
			}
		}
	}
	return b.String()
}

// plain writes a config as JSON, so that quotes and flow do not matter.
func plain(t *testing.T, n *yaml.Node) string {
	t.Helper()
	if n == nil {
		return "-"
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return err.Error()
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A policy means the same in YAML and in JSON.
func TestFormatsMeanTheSame(t *testing.T) {
	const asYAML = `
on_http_request:
  - name: "limit: all"
    expressions: ["req.method == 'POST'", "!(req.url.path.matches('^/a\\d'))"]
    actions:
      - type: rate-limit
        config: {name: n, algorithm: sliding_window, capacity: 10, rate: 60s, bucket_key: ["conn.client_ip"], enforce: false}
      - type: custom-response
        config:
          status_code: 201
          headers: {x-a: '1'}
          body: |
            two
            lines ${conn.client_ip}
on_http_response: [{actions: [{type: set-vars, config: {vars: [{n: 1.5, list: [a, null, true]}]}}]}]
`
	const asJSON = `{"on_http_request": [{"name": "limit: all", "expressions": ["req.method == 'POST'", "!(req.url.path.matches('^/a\\d'))"], "actions": [
  {"type": "rate-limit", "config": {"name": "n", "algorithm": "sliding_window", "capacity": 10, "rate": "60s", "bucket_key": ["conn.client_ip"], "enforce": false}},
  {"type": "custom-response", "config": {"status_code": 201, "headers": {"x-a": "1"}, "body": "two\nlines ${conn.client_ip}\n"}}]}],
 "on_http_response": [{"actions": [{"type": "set-vars", "config": {"vars": [{"n": 1.5, "list": ["a", null, true]}]}}]}]}`
	y, j := meaning(t, asYAML), meaning(t, asJSON)
	if diff := cmp.Diff(y, j); diff != "" || strings.Count(y, "\n") != 5 {
		t.Errorf("they differ (-YAML +JSON):\n%s\n%s", diff, y)
	}
}

// TestCorpusFormats compares the published documents that exist in both formats.
func TestCorpusFormats(t *testing.T) {
	folder := os.Getenv("SLUICE_CORPUS")
	if folder == "" {
		t.Skip("needs a folder of published policies, which are not ours to keep here: set SLUICE_CORPUS")
	}
	both := 0
	files, _ := filepath.Glob(filepath.Join(folder, "*.json"))
	for _, file := range files {
		asYAML, err := os.ReadFile(strings.TrimSuffix(file, ".json") + ".yaml")
		if err != nil {
			continue
		}
		asJSON, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both++
		if diff := cmp.Diff(meaning(t, string(asYAML)), meaning(t, string(asJSON))); diff != "" {
			t.Errorf("%s (-YAML +JSON):\n%s", filepath.Base(file), diff)
		}
	}
	if t.Logf("%d documents in both formats", both); both == 0 {
		t.Error("no document is there in both formats")
	}
}
