package trafficpolicy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sluice.dev/platform/trafficpolicy"
)

// TestCorpus runs over a folder of policy documents that SLUICE_CORPUS names. It
// reports what is accepted, refused and not yet supported; a document that
// exists as YAML and as JSON must fare alike.
func TestCorpus(t *testing.T) {
	folder := os.Getenv("SLUICE_CORPUS")
	if folder == "" {
		t.Skip("SLUICE_CORPUS is not set")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents in %s: %v", folder, err)
	}
	counts, fates := map[string]int{}, map[string]string{}
	for _, file := range files {
		if filepath.Base(file) == "index.json" {
			continue
		}
		fate, problems := judge(t, file)
		counts[fate]++
		if fate == "refused" {
			t.Logf("%s refused:\n%s", filepath.Base(file), lines(problems))
		}
		name := filepath.Base(file[:len(file)-len(filepath.Ext(file))])
		if other, seen := fates[name]; seen && other != fate {
			t.Errorf("%s is %s in one format and %s in the other", name, fate, other)
		}
		fates[name] = fate
	}
	t.Logf("%v", counts)
}

func judge(t *testing.T, file string) (fate string, problems trafficpolicy.Problems) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	protocol := trafficpolicy.HTTPS
	_, problems = trafficpolicy.Compile(string(text), trafficpolicy.ForProtocol(protocol))
	bad := problems.Errors()
	switch {
	case len(bad) == 0:
		return "accepted", problems
	case !slices.ContainsFunc(bad, func(p trafficpolicy.Problem) bool { return p.Code != trafficpolicy.CodeNotSupported }):
		return "not yet supported", problems
	}
	return "refused", problems
}

func lines(ps trafficpolicy.Problems) string {
	out := ""
	for _, p := range ps {
		out += fmt.Sprintln("  ", p)
	}
	return out
}
