package trafficpolicy_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"sluice.dev/platform/trafficpolicy/policytest"
)

// TestPolicies takes the steps of every file in testdata/policies.
func TestPolicies(t *testing.T) {
	files, err := filepath.Glob("testdata/policies/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			suite, err := policytest.Load(text)
			if err != nil {
				t.Fatal(err)
			}
			results, problems := suite.Run(context.Background())
			if len(problems.Errors()) > 0 {
				t.Fatalf("the policy is refused:\n%s", lines(problems))
			}
			for _, r := range results {
				for _, f := range r.Failures {
					t.Errorf("%s: %s", r.Step, f)
				}
			}
		})
	}
}
