package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.dev/e2e/harness"
)

// sluice runs a client command against sys.
func sluice(t *testing.T, sys *harness.System, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(harness.Binary(t), args...)
	cmd.Env = append(os.Environ(), "SLUICE_GATEWAY="+sys.GRPC)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func must(t *testing.T, sys *harness.System, args ...string) string {
	t.Helper()
	out, err := sluice(t, sys, args...)
	if err != nil {
		t.Fatalf("sluice %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// `sluice http` publishes for as long as it runs, follows its policy file and
// shows requests.
func TestHTTPCommand(t *testing.T) {
	sys := harness.Up(t)
	_, demo := harness.DemoAPI(t)
	file := filepath.Join(t.TempDir(), "policy.yml")
	write := func(policy string) {
		if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(fmt.Sprintf(limited, 1))
	cmd := harness.Start(t, "sluice http", harness.Binary(t), []string{"SLUICE_GATEWAY=" + sys.GRPC},
		"http", "http://"+demo, "--traffic-policy-file", file, "--url", "https://cli.localhost")
	harness.Eventually(t, 20*time.Second, "it is published", func() error { return contains(cmd.Output(), "Forwarding  https://cli.localhost") })
	sys.Settle()
	v := sys.Visitor(0)
	if a := v.Get("https://cli.localhost/api/products"); a.Status != 200 {
		t.Fatalf("status %d", a.Status)
	}
	refused := v.Get("https://cli.localhost/api/products")
	if refused.Status != 429 {
		t.Fatalf("status %d", refused.Status)
	}
	harness.Eventually(t, 10*time.Second, "the terminal shows the refusal", func() error { return contains(cmd.Output(), refused.ExchangeID()) })

	write("on_http_request: [{actions: [{type: dney}]}]")
	harness.Eventually(t, 10*time.Second, "the wrong policy is refused", func() error { return contains(cmd.Output(), "policy.yml:1:") })
	write(fmt.Sprintf(limited, 10))
	harness.Eventually(t, 10*time.Second, "the new policy is in force", func() error { return contains(cmd.Output(), "is in force") })
	sys.Settle()
	if out := must(t, sys, "replay", refused.ExchangeID()); !strings.HasPrefix(out, "200 ") {
		t.Errorf("replay: %s", out)
	}
	cmd.Stop()
	sys.Settle()
	if a := v.Get("https://cli.localhost/api/products"); a.Status != 404 {
		t.Errorf("after the command ended: %d", a.Status)
	}
	if out := must(t, sys, "traffic", "status:429"); !strings.Contains(out, refused.ExchangeID()) || !strings.Contains(out, "rate-limit") {
		t.Errorf("traffic: %s", out)
	}
	if out := must(t, sys, "traffic", "show", refused.ExchangeID()); !strings.Contains(out, "answered by") {
		t.Errorf("traffic show: %s", out)
	}
}

func contains(text, want string) error {
	if !strings.Contains(text, want) {
		return fmt.Errorf("%q is not in the output", want)
	}
	return nil
}

// What export writes, apply reads: applied to another installation it gives the
// same configuration, applied again it changes nothing.
func TestManifestRoundTrip(t *testing.T) {
	first, second := harness.Up(t), harness.Up(t)
	file := filepath.Join(t.TempDir(), "sluice.yml")
	const manifest = `kind: endpoint
url: https://api.localhost
name: api
upstream: {url: "http://localhost:4000"}
traffic_policy:
  on_http_request:
    - actions: [{type: deny, config: {status_code: 404}}]
---
kind: event_destination
id: hook
description: my receiver
webhook: {url: "http://localhost:9999/x", secret: whsec_c2x1aWNlLXNsdWljZS1zbHVpY2Utc2x1aWNlLXNsdWlj}
---
kind: event_subscription
description: traffic
sources: [{type: http_request_complete.v0}]
destination_ids: [hook]
---
kind: notification_channel
id: phone
name: phone
ntfy: {url: "http://localhost:9998/alerts"}
---
kind: monitor
name: errors
filter: "@http.status_code:5xx"
comparator: COMPARATOR_ABOVE
critical: 0
channel_ids: [phone]
---
kind: capture_settings
mode: CAPTURE_MODE_FULL
`
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := must(t, first, "apply", "-f", file); strings.Count(out, "created ") != 5 {
		t.Fatalf("apply:\n%s", out)
	}
	if out := must(t, first, "apply", "-f", file); strings.Contains(out, "created ") {
		t.Errorf("the second apply made something:\n%s", out)
	}
	exported := must(t, first, "export")
	if strings.Contains(exported, "c2x1aWNl") {
		t.Errorf("the export holds a secret:\n%s", exported)
	}
	if err := os.WriteFile(file, []byte(exported), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, second, "apply", "-f", file)
	if got := must(t, second, "export"); withoutIDs(got) != withoutIDs(exported) {
		t.Errorf("exported from the second:\n%s\nfrom the first:\n%s", got, exported)
	}
}

// withoutIDs drops the lines that hold ids, which differ.
func withoutIDs(manifest string) string {
	var kept []string
	for line := range strings.SplitSeq(manifest, "\n") {
		if !strings.HasPrefix(line, "id: ") && !strings.Contains(line, "- ed_") && !strings.Contains(line, "- nch_") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// `sluice traffic export` writes what a search finds, and nothing in place of a
// file when it fails.
func TestTrafficExportCommand(t *testing.T) {
	sys := harness.Up(t)
	url := open(t, sys, "")
	v := sys.Visitor(0)
	for range 3 {
		v.Get(url + "/api/products")
	}
	sys.Balance(3)
	dir := t.TempDir()
	for format, begins := range map[string]string{"har": `{"log":`, "ndjson": `{"id":`, "csv": "start_time,", "parquet": "PAR1"} {
		file := filepath.Join(dir, "traffic."+format)
		out := must(t, sys, "traffic", "export", "path:/api/products", "-o", file)
		if !strings.Contains(out, "3 exchanges") {
			t.Errorf("%s: it said %q", format, out)
		}
		if raw, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(raw), begins) {
			t.Errorf("%s begins with %.20q, %v", format, raw, err)
		}
	}
	if out, err := sluice(t, sys, "traffic", "export", "@a:", "-o", filepath.Join(dir, "no.csv")); err == nil || !strings.Contains(out, "@a:") {
		t.Errorf("a wrong search gives %v, %s", err, out)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 4 {
		t.Errorf("the folder has %v, %v", left, err)
	}
}

// `sluice openapi` describes traffic, agrees with its own description, and finds
// what comes later.
func TestOpenAPICommand(t *testing.T) {
	sys := harness.Up(t)
	url := open(t, sys, "")
	v := sys.Visitor(0)
	sys.API.Must(t, "PATCH", "/api/v1/settings/capture", harness.Object{"mode": "CAPTURE_MODE_FULL"}, nil)
	sys.Settle()
	v.Get(url + "/api/products")
	harness.Eventually(t, 30*time.Second, "the path is described", func() error {
		out, err := sluice(t, sys, "openapi", "show", url)
		if err == nil && !strings.Contains(out, `"/api/products"`) {
			err = fmt.Errorf("%s", out)
		}
		return err
	})
	file := filepath.Join(t.TempDir(), "api.json")
	must(t, sys, "openapi", "show", url, "-o", file)
	must(t, sys, "openapi", "check", url, file)
	v.Get(url + "/api/nowhere")
	harness.Eventually(t, 30*time.Second, "the new path is told", func() error {
		out, err := sluice(t, sys, "openapi", "check", url, file)
		if err == nil || !strings.Contains(out, "undocumented path") || !strings.Contains(out, "/api/nowhere") {
			return fmt.Errorf("%s: %w", out, err)
		}
		return nil
	})
}
