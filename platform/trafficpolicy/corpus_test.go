package trafficpolicy_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/platform/trafficpolicy"
)

// corpusList keeps which published documents are not accepted, each with its
// first fault. With SLUICE_CORPUS_UPDATE set the test writes it.
const corpusList = "testdata/corpus.txt"

// TestCorpus runs over a folder of policy documents that SLUICE_CORPUS names. What
// is not accepted must stand in corpusList with its reason; a document that exists
// as YAML and as JSON must fare alike.
func TestCorpus(t *testing.T) {
	folder := os.Getenv("SLUICE_CORPUS")
	if folder == "" {
		t.Skip("needs a folder of published policies, which are not ours to keep here: set SLUICE_CORPUS")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents in %s: %v", folder, err)
	}
	counts, fates, list := map[string]int{}, map[string]string{}, map[string]string{}
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
		if fate != "accepted" {
			first := problems.Errors()[0]
			list[name] = fmt.Sprintf("%s\t%s\t%s\t%s\t%s", name, fate, first.Code, first.Path, first.Message)
		}
	}
	t.Logf("%v", counts)
	compareCorpus(t, slices.Sorted(maps.Values(list)))
}

func compareCorpus(t *testing.T, got []string) {
	t.Helper()
	text := strings.Join(got, "\n") + "\n"
	if os.Getenv("SLUICE_CORPUS_UPDATE") != "" {
		if err := os.WriteFile(corpusList, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(corpusList)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("documents fare differently than %s says (-list +now):\n%s", corpusList, diff)
	}
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
