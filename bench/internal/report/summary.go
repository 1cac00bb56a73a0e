// Package report turns raw figures into the table of the documentation.
package report

import (
	"slices"

	"sluice.dev/bench/internal/peer"
	"sluice.dev/bench/internal/run"
)

// Figure is the median of what runs gave. Without a run that counts it is of those
// that do not, and must be marked.
type Figure struct {
	Value  float64
	Runs   int  // that it is made of
	Counts bool // nobody else used the machine during them
}

// Row is what is told of one peer.
type Row struct {
	Name, Title string
	Proxy       Figure // CPU, µs a request
	Chain       Figure // with what decides about shared limits; as Proxy where nothing does
	Capture     Figure // what stores the records, µs a request
	PerSecond   Figure
	P50, P99    Figure // at the fixed rate, more than without a proxy of the same round, µs
	Memory      int64  // bytes; 0 when it was not measured
}

// Summary is the whole comparison.
type Summary struct {
	Rows   []Row
	Ratios []Ratio
}

// Summarize makes the summary.
func Summarize(r *run.Results) Summary {
	s := Summary{}
	for _, p := range r.Peers {
		if p.Name == direct {
			continue
		}
		s.Rows = append(s.Rows, Row{
			Name: p.Name, Title: p.Title, Memory: r.Memory[p.Name],
			Proxy:     figure(r, p.Name, func(x run.Sample) (float64, bool) { return x.Saturated.Micros[peer.Proxy], x.Saturated.Counts }),
			Chain:     figure(r, p.Name, func(x run.Sample) (float64, bool) { return chain(x), x.Saturated.Counts }),
			Capture:   figure(r, p.Name, func(x run.Sample) (float64, bool) { return x.Saturated.Micros[peer.Capture], x.Saturated.Counts }),
			PerSecond: figure(r, p.Name, func(x run.Sample) (float64, bool) { return x.Saturated.PerSecond, x.Saturated.Counts }),
			P50:       added(r, p.Name, func(x run.AtRate) float64 { return x.P50Micros }),
			P99:       added(r, p.Name, func(x run.AtRate) float64 { return x.P99Micros }),
		})
	}
	s.Ratios = ratios(r)
	return s
}

const direct = "direct"

func chain(x run.Sample) float64 {
	return x.Saturated.Micros[peer.Proxy] + x.Saturated.Micros[peer.Shared]
}

// figure is the median over a peer's rounds.
func figure(r *run.Results, name string, of func(run.Sample) (float64, bool)) Figure {
	var all []point
	for _, x := range r.Samples {
		if x.Peer == name {
			v, counts := of(x)
			all = append(all, point{v, counts})
		}
	}
	return median(all)
}

// added is the median over the rounds of what a peer has more than no proxy has.
func added(r *run.Results, name string, of func(run.AtRate) float64) Figure {
	var all []point
	each(r, name, direct, func(a, b run.Sample) {
		all = append(all, point{of(a.AtRate) - of(b.AtRate), a.AtRate.Counts && b.AtRate.Counts})
	})
	return median(all)
}

// each calls f for each round that has both peers.
func each(r *run.Results, a, b string, f func(a, b run.Sample)) {
	for _, x := range r.Samples {
		for _, y := range r.Samples {
			if x.Peer == a && y.Peer == b && x.Round == y.Round {
				f(x, y)
			}
		}
	}
}

type point struct {
	value  float64
	counts bool
}

// median is of the points that count; of all, if none does.
func median(all []point) Figure {
	good := slices.DeleteFunc(slices.Clone(all), func(p point) bool { return !p.counts })
	f := Figure{Counts: len(good) > 0}
	if !f.Counts {
		good = all
	}
	f.Runs = len(good)
	if f.Runs == 0 {
		return f
	}
	slices.SortFunc(good, func(a, b point) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	m := len(good) / 2
	if f.Value = good[m].value; len(good)%2 == 0 {
		f.Value = (good[m-1].value + f.Value) / 2
	}
	return f
}
