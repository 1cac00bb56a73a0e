package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.dev/bench/internal/peer"
	"sluice.dev/bench/internal/report"
	"sluice.dev/bench/internal/run"
)

// sample is a round of a peer, whose proxy took so long for a request.
func sample(name string, round int, micros, p50 float64, counts bool) run.Sample {
	d := run.Disturbance{Counts: counts}
	return run.Sample{
		Peer: name, Round: round,
		Saturated: run.Saturated{Disturbance: d, PerSecond: 1000, Micros: map[peer.Group]float64{peer.Proxy: micros, peer.Shared: micros / 10}},
		AtRate:    run.AtRate{Disturbance: d, P50Micros: p50, P99Micros: 3 * p50},
	}
}

func results(samples ...run.Sample) *run.Results {
	return &run.Results{
		Peers:   []run.Title{{Name: "direct", Title: "none"}, {Name: "reverseproxy", Title: "RP"}, {Name: "sluice", Title: "Sluice"}},
		Samples: samples, Memory: map[string]int64{"sluice": 50 << 20}, Config: map[string]any{"crowd": 1000},
	}
}

func TestOnlyUndisturbedRunsCount(t *testing.T) {
	s := report.Summarize(results(
		sample("direct", 1, 0, 100, true), sample("sluice", 1, 20, 150, true), sample("reverseproxy", 1, 40, 300, true),
		sample("direct", 2, 0, 100, true), sample("sluice", 2, 99, 999, false), sample("reverseproxy", 2, 50, 300, true),
		sample("direct", 3, 0, 200, true), sample("sluice", 3, 30, 260, true), sample("reverseproxy", 3, 50, 300, true),
	))
	if len(s.Rows) != 2 || s.Rows[1].Name != "sluice" {
		t.Fatalf("%+v", s.Rows)
	}
	row := s.Rows[1]
	if row.Proxy.Value != 25 || row.Proxy.Runs != 2 || !row.Proxy.Counts {
		t.Errorf("CPU: %+v", row.Proxy)
	}
	if row.Chain.Value != 27.5 {
		t.Errorf("chain: %+v", row.Chain)
	}
	if row.P50.Value != 55 { // 50 and 60 more than without a proxy in the same rounds
		t.Errorf("p50: %+v", row.P50)
	}
	if len(s.Ratios) != 1 || s.Ratios[0].Proxy.Value != 0.55 { // of 20/40 and 30/50
		t.Errorf("ratios: %+v", s.Ratios)
	}
}

func TestFiguresOfDisturbedRunsAreMarked(t *testing.T) {
	text := report.Markdown(results(sample("direct", 1, 0, 100, true), sample("sluice", 1, 20, 150, false), sample("reverseproxy", 1, 40, 300, true)))
	if !strings.Contains(text, "| Sluice | 20.0† | 22.0† |") || !strings.Contains(text, "| RP | 40.0 |") || !strings.Contains(text, "0.50†×") || !strings.Contains(text, "not to be quoted") {
		t.Error(text)
	}
}

func TestRewriteNeedsMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(path, []byte("nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := report.Rewrite(path, "table"); err == nil {
		t.Error("a document without marks is rewritten")
	}
	if b, _ := os.ReadFile(path); string(b) != "nothing\n" {
		t.Errorf("%q", b)
	}
}
