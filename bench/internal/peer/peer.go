package peer

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"

	"sluice.dev/bench/internal/machine"
	"sluice.dev/platform/child"
)

// Group says what a process is for.
type Group string

// The groups. The chain is all but Capture.
const (
	Proxy   Group = "proxy"   // what requests pass through
	Shared  Group = "shared"  // what decides about limits that proxies share
	Capture Group = "capture" // what stores the records
)

// Peer is a proxy that runs, or the backend itself.
type Peer struct {
	Name    string // of the command line
	Title   string // of tables
	Address netip.AddrPort
	Host    string // of requests

	processes map[Group][]*child.Process
	prepare   func(context.Context) error // before a measurement; may be nil
	settle    func(context.Context) error // waits for what requests leave to do; may be nil
	facts     func(context.Context) (map[string]float64, error)
	paused    []*child.Process // while others are measured
}

// Kind is a way to start a peer.
type Kind struct {
	Name, Title string
	start       func(context.Context, *Lab, *Peer) error
}

// Kinds are all peers, in the order of tables.
func Kinds() []Kind {
	return []Kind{
		{"direct", "no proxy", direct},
		{"nginx", "nginx, plain", nginx(false)},
		{"nginx-log-limit", "nginx, JSON access log + `limit_req`", nginx(true)},
		{"haproxy", "HAProxy, plain", haproxy},
		{"reverseproxy", "`httputil.ReverseProxy`, tuned transport", reverseProxy},
		{"caddy", "Caddy, plain", caddy},
		{"traefik", "Traefik, plain", traefik},
		{"sluice-bare", "Sluice, no policy, metadata captured", sluice(bare)},
		{"sluice", "Sluice, policy + shared rate limit + full capture", sluice(full)},
	}
}

// Start starts a peer and makes it idle.
func (k Kind) Start(ctx context.Context, l *Lab) (*Peer, error) {
	p := &Peer{Name: k.Name, Title: k.Title, Host: "api.test", processes: map[Group][]*child.Process{}}
	if err := k.start(ctx, l, p); err != nil {
		return nil, fmt.Errorf("%s: %w", k.Name, err)
	}
	p.Pause()
	return p, nil
}

// direct is the backend without a proxy: what latencies are compared with.
func direct(_ context.Context, l *Lab, p *Peer) error {
	p.Address = l.Upstream
	return nil
}

// Pause stops what would work by itself while others are measured.
func (p *Peer) Pause() {
	for _, c := range p.paused {
		_ = c.Signal(syscall.SIGSTOP) // fails only when it has ended, which shows later
	}
}

// Prepare makes the peer ready for a measurement.
func (p *Peer) Prepare(ctx context.Context) error {
	for _, c := range p.paused {
		resume(c)
	}
	if p.prepare == nil {
		return nil
	}
	return p.prepare(ctx)
}

func resume(c *child.Process) { _ = c.Signal(syscall.SIGCONT) } // as in Pause

// Settle waits until everything is done that requests have caused.
func (p *Peer) Settle(ctx context.Context) error {
	if p.settle == nil {
		return nil
	}
	return p.settle(ctx)
}

// Facts are further figures of the peer, counted since it started.
func (p *Peer) Facts(ctx context.Context) (map[string]float64, error) {
	if p.facts == nil {
		return nil, nil //nolint:nilnil // there are none
	}
	return p.facts(ctx)
}

// CPU is the time that each group has used so far, in seconds.
func (p *Peer) CPU() (map[Group]float64, error) {
	out := map[Group]float64{}
	for g, all := range p.processes {
		for _, c := range all {
			d, err := machine.CPU(c.PID())
			if err != nil {
				return nil, err
			}
			out[g] += d.Seconds()
		}
	}
	return out, nil
}

// Memory is what the proxy itself holds, in bytes.
func (p *Peer) Memory() (int64, error) {
	var sum int64
	for _, c := range p.processes[Proxy] {
		n, err := machine.Memory(c.PID())
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// ProxyPID is the process id of the proxy, for profilers; 0 without one.
func (p *Peer) ProxyPID() int {
	if all := p.processes[Proxy]; len(all) > 0 {
		return all[0].PID()
	}
	return 0
}

// one starts a peer that is one command.
func (l *Lab) one(p *Peer, path string, args ...string) error {
	c, err := l.start(p.Name, path, nil, args...)
	if err != nil {
		return err
	}
	p.processes[Proxy] = []*child.Process{c}
	return l.answers(c, p.Address)
}
