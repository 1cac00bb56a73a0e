package e2e_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.dev/e2e/harness"
)

// readsSecrets adds a secret to the request and answers with it at one path.
const readsSecrets = `
on_http_request:
  - expressions: ["req.url.path == '/told'"]
    actions:
      - {type: custom-response, config: {status_code: 200, body: "${secrets.get('e2e', 'planted')}"}}
  - actions:
      - {type: add-headers, config: {headers: {x-upstream-token: "Token ${secrets.get('e2e', 'planted')}"}}}
      - {type: log, config: {metadata: {token: "${secrets.get('e2e', 'planted')}"}}}
on_http_response:
  - actions:
      - {type: add-headers, config: {headers: {x-told: "${secrets.get('e2e', 'planted')}"}}}
`

// setSecret stores a value as a person would.
func setSecret(t *testing.T, sys *harness.System, vault, name, value string) {
	t.Helper()
	cmd := exec.Command(harness.Binary(t), "secrets", "set", vault, name)
	cmd.Env = append(os.Environ(), "SLUICE_GATEWAY="+sys.GRPC)
	cmd.Stdin = strings.NewReader(value + "\n")
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), value) {
		t.Fatalf("secrets set: %v\n%s", err, out)
	}
}

// A secret reaches upstreams and clients as the policy says, and no place else.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	const first, second = "planted-8c1f77aa0b3d", "planted-e05b9d24c6f1"
	sys := harness.Up(t, "--log-level", "debug")
	got := make(chan string, 100)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("X-Upstream-Token")
		fmt.Fprintf(w, "you sent %s", r.Header.Get("X-Upstream-Token"))
	}))
	t.Cleanup(up.Close)
	setSecret(t, sys, "e2e", "planted", first)
	sys.API.Must(t, "PATCH", "/api/v1/settings/capture", harness.Object{"mode": "CAPTURE_MODE_FULL"}, nil)
	sys.API.Must(t, "POST", "/api/v1/endpoints", harness.Object{
		"url": "http://secrets.localhost", "upstream": harness.Object{"url": up.URL}, "traffic_policy": readsSecrets,
	}, nil)
	sys.Settle()

	v := sys.Visitor(0)
	visit := func(want string) (ids []string) {
		t.Helper()
		harness.Eventually(t, 10*time.Second, "the value is in force", func() error {
			if a := v.Get("http://secrets.localhost/told"); a.Body != want {
				return fmt.Errorf("%d %s", a.Status, a.Body)
			}
			return nil
		})
		for _, path := range []string{"/told", "/x?t=" + want, "/y"} {
			a := v.Send("POST", "http://secrets.localhost"+path, "I say "+want, "X-Mine: "+want)
			if a.Status != 200 || a.Header.Get("X-Told") != want && path != "/told" || !strings.Contains(a.Body, want) {
				t.Fatalf("%s: %d %v %s", path, a.Status, a.Header, a.Body)
			}
			ids = append(ids, a.ExchangeID())
		}
		if token := <-got; token != "Token "+want {
			t.Errorf("the upstream got %q", token)
		}
		<-got
		return ids
	}
	ids := visit(first)
	setSecret(t, sys, "e2e", "planted", second) // reaches the policy without another change
	ids = append(ids, visit(second)...)
	must(t, sys, "secrets", "new-key", filepath.Join(sys.Data, "secrets.key"))
	if out := must(t, sys, "secrets", "rotate"); !strings.Contains(out, "1 secrets") {
		t.Errorf("rotate: %s", out)
	}
	for _, id := range ids {
		harness.Eventually(t, 20*time.Second, "the record of "+id, func() error { return sys.API.Do("GET", "/api/v1/exchanges/"+id, nil, &harness.Object{}) })
	}
	tellsNothing(t, sys, "planted-", ids)

	out := must(t, sys, "secrets", "list")
	if !strings.Contains(out, "e2e") || !strings.Contains(out, "planted  secret_") {
		t.Errorf("list: %s", out)
	}
	if out, err := sluice(t, sys, "secrets", "delete", "e2e"); err == nil || !strings.Contains(out, "delete these first") {
		t.Errorf("a vault with a secret is deleted: %s", out)
	}
	must(t, sys, "secrets", "delete", "e2e", "planted")
	must(t, sys, "secrets", "delete", "e2e")
	harness.Eventually(t, 10*time.Second, "the policy fails closed", func() error {
		if a := v.Get("http://secrets.localhost/told"); a.Status != 500 {
			return fmt.Errorf("%d", a.Status)
		}
		return nil
	})
}

// tellsNothing looks for a text in what the API answers, in the log, and in every
// file of the system, all after a stop that writes everything down.
func tellsNothing(t *testing.T, sys *harness.System, text string, ids []string) {
	t.Helper()
	paths := []string{"exchanges?limit=1000", "vaults", "secrets", "audit-events?limit=1000", "endpoints"}
	for _, id := range ids {
		paths = append(paths, "exchanges/"+id)
	}
	for _, path := range paths {
		res, err := http.Get(sys.API.Base + "/api/v1/" + path)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		_, err = body.ReadFrom(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || strings.Contains(body.String(), text) {
			t.Errorf("%s: %v, status %d: %s", path, err, res.StatusCode, body.String())
		}
		if strings.HasPrefix(path, "exchanges/") && !strings.Contains(body.String(), "secret:e2e/planted") {
			t.Errorf("%s: nothing was redacted: %s", path, body.String())
		}
	}
	process := sys.Procs["up"]
	process.Stop()
	if log := process.Output(); strings.Contains(log, text) {
		t.Errorf("the log tells: %s", log)
	}
	files := 0
	err := filepath.WalkDir(sys.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		files++
		if bytes.Contains(raw, []byte(text)) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil || files < 20 {
		t.Errorf("%d files, %v", files, err)
	}
	process.Restart()
	sys.WaitReady()
}
