//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice.dev/bench/internal/run"
)

// TestSmallRun compares the standard library's proxy with none, in a process of
// its own as the program is also the backend.
func TestSmallRun(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "bench")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	doc := filepath.Join(dir, "doc.md")
	if err := os.WriteFile(doc, []byte("before\n<!-- begin: written by make bench -->\nold\n<!-- end: written by make bench -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(dir, "results.json")
	out, err := exec.Command(bin, "run", "--peers", "direct,reverseproxy", "--rounds", "2", "--seconds", "0.2", "--connections", "4", "--rate", "200",
		"--crowd", "10", "--repeats", "0", "--foreign", "1", "--results", results, "--doc", doc).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	raw, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	var res run.Results
	if err := json.Unmarshal(raw, &res); err != nil {
		t.Fatal(err)
	}
	if len(res.Samples) != 4 || res.Memory["reverseproxy"] < 1<<20 {
		t.Errorf("%d samples, %v", len(res.Samples), res.Memory)
	}
	for _, s := range res.Samples {
		if s.Saturated.Requests == 0 || s.Saturated.PerSecond <= 0 || s.AtRate.P50Micros <= 0 || s.Peer == "reverseproxy" && s.Saturated.Micros["proxy"] <= 0 {
			t.Errorf("%+v", s)
		}
	}
	told, err := os.ReadFile(doc)
	if text := string(told); err != nil || !strings.HasPrefix(text, "before\n") || !strings.HasSuffix(text, "after\n") ||
		strings.Contains(text, "old") || !strings.Contains(text, "httputil.ReverseProxy") {
		t.Errorf("%v\n%s", err, told)
	}
}

func TestUnknownPeer(t *testing.T) {
	if _, err := chosen([]string{"apache"}); err == nil {
		t.Error("an unknown peer is no error")
	}
	if all, err := chosen(nil); err != nil || len(all) < 9 {
		t.Errorf("%d peers, %v", len(all), err)
	}
}
