package harness

import (
	"bufio"
	"strconv"
	"strings"
)

// Metric is the sum of a process's series with this name, such as "sluice_x_total"
// or one with labels, "sluice_x_total{result=\"allowed\"}".
func (s *System) Metric(process, name string) float64 {
	s.t.Helper()
	res, err := client.Get("http://" + s.Admin[process] + "/metrics")
	if err != nil {
		s.t.Fatalf("metrics of %s: %v", process, err)
	}
	defer res.Body.Close()
	sum, found := 0.0, false
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if bare, _, _ := strings.Cut(series, "{"); series != name && bare != name {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			s.t.Fatalf("metrics of %s: %q is no number", process, lines.Text())
		}
		sum, found = sum+n, true
	}
	if !found {
		s.t.Fatalf("%s has no metric %s", process, name)
	}
	return sum
}
