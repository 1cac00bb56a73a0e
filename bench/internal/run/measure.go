//go:build linux

package run

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"sluice.dev/bench/internal/load"
	"sluice.dev/bench/internal/machine"
	"sluice.dev/bench/internal/peer"
)

// path is what is asked for.
const path = "/api/items/1?fields=all"

// Runner measures.
type Runner struct {
	Config
	Log *slog.Logger
	end time.Time // of repeating
}

// Rounds measures all peers, in turns.
func (r *Runner) Rounds(ctx context.Context, peers []*peer.Peer, res *Results) error {
	r.end = time.Now().Add(r.Budget)
	for round := range r.Config.Rounds {
		for _, p := range peers {
			s, err := r.sample(ctx, p)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", p.Name, round+1, err)
			}
			s.Peer, s.Round = p.Name, round+1
			res.Samples = append(res.Samples, *s)
			r.Log.Info("measured", "round", round+1, "peer", p.Name, "cpu_us", fmt.Sprintf("%.1f", s.Saturated.Micros[peer.Proxy]),
				"per_second", int(s.Saturated.PerSecond), "p50_us", int(s.AtRate.P50Micros), "p99_us", int(s.AtRate.P99Micros),
				"others", fmt.Sprintf("%.0f%%", 100*s.Saturated.Foreign.Others), "counts", s.Saturated.Counts && s.AtRate.Counts)
		}
	}
	return nil
}

// sample measures one peer.
func (r *Runner) sample(ctx context.Context, p *peer.Peer) (*Sample, error) {
	if err := p.Prepare(ctx); err != nil {
		return nil, err
	}
	defer p.Pause()
	g, err := load.Connect(p.Address, p.Host, path, r.Connections)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	if _, err := g.Saturate(r.span() / 4); err != nil { // warms up
		return nil, err
	}
	s := &Sample{}
	for again := 0; ; again++ {
		if err := r.saturate(ctx, p, g, &s.Saturated); err != nil {
			return nil, err
		}
		if !r.worthRepeating(s.Saturated.Counts, again) {
			break
		}
	}
	for again := 0; ; again++ {
		if err := r.atRate(ctx, p, g, &s.AtRate); err != nil {
			return nil, err
		}
		if !r.worthRepeating(s.AtRate.Counts, again) {
			return s, nil
		}
	}
}

func (r *Runner) span() time.Duration { return time.Duration(r.Seconds * float64(time.Second)) }

func (r *Runner) worthRepeating(counts bool, again int) bool {
	return !counts && again < r.Repeats && time.Now().Before(r.end)
}

func (r *Runner) saturate(ctx context.Context, p *peer.Peer, g *load.Generator, into *Saturated) error {
	before, err := p.Facts(ctx)
	if err != nil {
		return err
	}
	var settled time.Duration
	m, err := r.observed(ctx, p, func() (*load.Result, error) { return g.Saturate(r.span()) }, &settled)
	if err != nil {
		return err
	}
	after, err := p.Facts(ctx)
	if err != nil {
		return err
	}
	*into = Saturated{
		Disturbance: m.disturbance, Requests: m.result.Requests, PerSecond: float64(m.result.Requests) / m.result.Elapsed.Seconds(), Micros: m.micros,
		P50Micros: micros(m.result.Latency.Quantile(0.5)), P99Micros: micros(m.result.Latency.Quantile(0.99)), SettleTook: settled.Seconds(),
	}
	for name, n := range after {
		if into.Exchanges == nil {
			into.Exchanges = map[string]float64{}
		}
		into.Exchanges[name] = n - before[name]
	}
	return nil
}

func (r *Runner) atRate(ctx context.Context, p *peer.Peer, g *load.Generator, into *AtRate) error {
	var settled time.Duration
	m, err := r.observed(ctx, p, func() (*load.Result, error) { return g.AtRate(r.Rate, r.span()) }, &settled)
	if err != nil {
		return err
	}
	*into = AtRate{
		Disturbance: m.disturbance, Micros: m.micros,
		P50Micros: micros(m.result.Latency.Quantile(0.5)), P99Micros: micros(m.result.Latency.Quantile(0.99)),
	}
	return nil
}

// measured is a run and what it cost.
type measured struct {
	result      *load.Result
	micros      map[peer.Group]float64
	disturbance Disturbance
}

// observed runs a load and settles. What the peer's processes use until then
// is the cost of the requests.
func (r *Runner) observed(ctx context.Context, p *peer.Peer, run func() (*load.Result, error), settled *time.Duration) (*measured, error) {
	before, err := p.CPU()
	if err != nil {
		return nil, err
	}
	watch, err := machine.Observe()
	if err != nil {
		return nil, err
	}
	m := &measured{micros: map[peer.Group]float64{}}
	if m.result, err = run(); err != nil {
		return nil, err
	}
	if m.disturbance.Foreign, err = watch.Foreign(); err != nil {
		return nil, err
	}
	m.disturbance.Counts = m.disturbance.Foreign.Others <= r.Foreign && m.disturbance.Foreign.Stolen <= r.Foreign
	began := time.Now()
	if err := p.Settle(ctx); err != nil {
		return nil, err
	}
	*settled = time.Since(began)
	after, err := p.CPU()
	for group, used := range after {
		m.micros[group] = (used - before[group]) * 1e6 / float64(max(1, m.result.Requests))
	}
	return m, err
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// Crowds measures memory with many connections, all of which have had requests.
func (r *Runner) Crowds(ctx context.Context, peers []*peer.Peer, res *Results) error {
	for _, p := range peers {
		if r.Crowd == 0 || p.ProxyPID() == 0 {
			continue
		}
		n, err := r.crowd(ctx, p)
		if err != nil {
			return fmt.Errorf("%s with %d connections: %w", p.Name, r.Crowd, err)
		}
		res.Memory[p.Name] = n
		r.Log.Info("memory", "peer", p.Name, "connections", r.Crowd, "mb", n>>20)
	}
	return nil
}

func (r *Runner) crowd(ctx context.Context, p *peer.Peer) (int64, error) {
	if err := p.Prepare(ctx); err != nil {
		return 0, err
	}
	defer p.Pause()
	g, err := load.Connect(p.Address, p.Host, path, r.Crowd)
	if err != nil {
		return 0, err
	}
	defer g.Close()
	if _, err := g.Each(r.Crowd); err != nil {
		return 0, err
	}
	if _, err := g.AtRate(r.Rate, r.span()); err != nil {
		return 0, err
	}
	return p.Memory()
}
