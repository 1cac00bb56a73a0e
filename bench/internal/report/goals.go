package report

import (
	"sluice.dev/bench/internal/peer"
	"sluice.dev/bench/internal/run"
)

// goal is how much of a peer's CPU time Sluice may use, with a policy, a shared
// rate limit and full capture.
type goal struct {
	peer         string
	proxy, chain float64
}

var goals = []goal{
	{"nginx-log-limit", 1.2, 2},
	{"reverseproxy", 0.5, 0.8},
	{"caddy", 0.3, 0.5},
	{"traefik", 0.3, 0.5},
}

// Ratio compares Sluice with a peer, by runs of the same rounds.
type Ratio struct {
	Against                  string
	Proxy, Chain             Figure
	ProxyAtMost, ChainAtMost float64
}

func ratios(r *run.Results) []Ratio {
	var out []Ratio
	for _, g := range goals {
		var proxy, whole []point
		each(r, "sluice", g.peer, func(a, b run.Sample) {
			theirs := b.Saturated.Micros[peer.Proxy]
			if theirs <= 0 {
				return
			}
			counts := a.Saturated.Counts && b.Saturated.Counts
			proxy = append(proxy, point{a.Saturated.Micros[peer.Proxy] / theirs, counts})
			whole = append(whole, point{chain(a) / theirs, counts})
		})
		if len(proxy) > 0 {
			out = append(out, Ratio{Against: title(r, g.peer), Proxy: median(proxy), Chain: median(whole), ProxyAtMost: g.proxy, ChainAtMost: g.chain})
		}
	}
	return out
}

func title(r *run.Results, name string) string {
	for _, p := range r.Peers {
		if p.Name == name {
			return p.Title
		}
	}
	return name
}
