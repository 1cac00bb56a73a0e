package front_test

import (
	"os"
	"os/exec"
	"testing"
)

// byNetHTTP is an environment variable that makes the tests of this package use
// net/http for HTTP/1.x.
const byNetHTTP = "SLUICE_TEST_NET_HTTP"

// TestSuiteByNetHTTP runs all tests again over net/http: both ways to speak
// HTTP/1.x must behave alike.
func TestSuiteByNetHTTP(t *testing.T) {
	if os.Getenv(byNetHTTP) != "" {
		t.Skip("this is it")
	}
	if testing.Short() {
		t.Skip("takes as long as all the other tests together")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.count=1", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), byNetHTTP+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
