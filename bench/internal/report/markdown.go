package report

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"sluice.dev/bench/internal/run"
)

// mark stands beside a figure of runs during which others used the machine.
const mark = "†"

// Markdown is the summary as tables.
func Markdown(r *run.Results) string {
	s := Summarize(r)
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s on %s in %s: %v rounds, %v connections, %v s a run, latency at %v requests a second.\n\n",
		r.Started.UTC().Format("2006-01-02 15:04 UTC"), r.Machine, r.Took, r.Config["rounds"], r.Config["connections"], r.Config["seconds"], r.Config["rate"])
	rows(&b, s.Rows, r)
	against(&b, s.Ratios)
	if strings.Contains(b.String(), mark) {
		fmt.Fprintf(&b, "%s Others used the machine during every run of this figure: not to be quoted. CPU per request and its ratios suffer least.\n\n", mark)
	}
	var versions []string
	for _, p := range r.Peers {
		if v := r.Version[p.Name]; v != "" {
			versions = append(versions, v)
		}
	}
	if len(versions) > 0 {
		fmt.Fprintf(&b, "Versions: %s.\n", strings.Join(versions, "; "))
	}
	return b.String()
}

func rows(b *strings.Builder, rows []Row, r *run.Results) {
	fmt.Fprintf(b, "| proxy | CPU, µs a request | with shared limits | capture | requests/s | added p50, µs | added p99, µs | MB at %v connections |\n", r.Config["crowd"])
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, row := range rows {
		memory := "–"
		if row.Memory > 0 {
			memory = fmt.Sprintf("%.0f", float64(row.Memory)/(1<<20))
		}
		chain, capture := "", ""
		if row.Chain.Value > row.Proxy.Value {
			chain = text(row.Chain, "%.1f")
		}
		if row.Capture.Value > 0 {
			capture = text(row.Capture, "%.1f")
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", row.Title, text(row.Proxy, "%.1f"), chain, capture,
			text(row.PerSecond, "%.0f"), text(row.P50, "%.0f"), text(row.P99, "%.0f"), memory)
	}
	b.WriteString("\n")
}

func against(b *strings.Builder, ratios []Ratio) {
	if len(ratios) == 0 {
		return
	}
	b.WriteString("| Sluice with all of it, against | proxy CPU | goal | with policy service and Redis | goal |\n| --- | --- | --- | --- | --- |\n")
	for _, q := range ratios {
		fmt.Fprintf(b, "| %s | %s× | ≤ %.1f× | %s× | ≤ %.1f× |\n", q.Against, text(q.Proxy, "%.2f"), q.ProxyAtMost, text(q.Chain, "%.2f"), q.ChainAtMost)
	}
	b.WriteString("\n")
}

func text(f Figure, format string) string {
	switch {
	case f.Runs == 0:
		return "–"
	case !f.Counts:
		return fmt.Sprintf(format, f.Value) + mark
	}
	return fmt.Sprintf(format, f.Value)
}

const (
	begin = "<!-- begin: written by make bench -->\n"
	end   = "<!-- end: written by make bench -->\n"
)

// Rewrite puts content between the marks of a document.
func Rewrite(path, content string) error {
	doc, err := os.ReadFile(path) // #nosec G304 -- the operator's
	if err != nil {
		return err
	}
	head, rest, ok1 := bytes.Cut(doc, []byte(begin))
	_, tail, ok2 := bytes.Cut(rest, []byte(end))
	if !ok1 || !ok2 {
		return fmt.Errorf("%s has no lines %q and %q to write between", path, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	out := bytes.Join([][]byte{head, []byte(begin), []byte("\n" + content + "\n"), []byte(end), tail}, nil)
	return os.WriteFile(path, out, 0o644) // #nosec G306 -- a document
}
