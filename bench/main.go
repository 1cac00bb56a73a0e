//go:build linux

// Command bench compares Sluice's data path with other proxies on this machine:
// CPU time of each request, throughput, latency, memory. See docs/performance.md.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"sluice.dev/bench/internal/backend"
	"sluice.dev/bench/internal/peer"
	"sluice.dev/bench/internal/report"
	"sluice.dev/bench/internal/reverse"
	"sluice.dev/bench/internal/run"
)

type commandLine struct {
	Run          runCmd     `cmd:"" default:"withargs" help:"Compare."`
	Backend      backendCmd `cmd:"" help:"Run the API behind the proxies; for run."`
	Reverseproxy reverseCmd `cmd:"" help:"Run the standard library's proxy; for run."`
}

type backendCmd struct {
	Listen string `required:"" help:"IPv4 address and port."`
}

// Run serves.
func (c *backendCmd) Run() error {
	at, err := netip.ParseAddrPort(c.Listen)
	if err != nil {
		return err
	}
	return backend.Serve(at)
}

type reverseCmd struct {
	Listen string `required:"" help:"Address and port."`
	To     string `required:"" help:"Address and port of the API."`
}

// Run serves.
func (c *reverseCmd) Run() error { return reverse.Serve(c.Listen, c.To) }

type runCmd struct {
	Peers       []string      `help:"Which to compare: direct, nginx, nginx-log-limit, haproxy, reverseproxy, caddy, traefik, sluice-bare, sluice. All when empty; direct is needed for latencies."`
	Rounds      int           `default:"5" help:"Rounds; each measures every peer."`
	Seconds     float64       `default:"3" help:"Length of a run, in seconds; there are two for each peer and round."`
	Connections int           `default:"64" help:"Keep-alive connections."`
	Rate        int           `default:"2000" help:"Requests a second of the runs for latency."`
	Crowd       int           `default:"1000" help:"Connections at which memory is measured; 0: it is not."`
	Foreign     float64       `default:"0.05" help:"Share of the machine's CPU that others may use in a run that counts."`
	Repeats     int           `default:"2" help:"Times that a run which does not count is repeated."`
	Budget      time.Duration `default:"9m" help:"Runs are repeated within this time only."`
	Sluice      string        `default:"bin/sluice" type:"path" help:"The sluice command."`
	Tools       string        `default:"build/tools" type:"path" help:"Where caddy and traefik are."`
	Results     string        `default:"bench/results/latest.json" type:"path" help:"File for the raw figures."`
	Doc         string        `type:"path" help:"Document whose table is rewritten; none when empty."`
	Keep        bool          `help:"Keep the peers' logs and data."`
}

// Run compares.
func (c *runCmd) Run() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	kinds, err := chosen(c.Peers)
	if err != nil {
		return err
	}
	lab, clean, err := c.lab(log)
	if err != nil {
		return err
	}
	defer func() {
		if e := clean(); err == nil {
			err = e
		}
	}()
	res := &run.Results{Started: time.Now(), Machine: describe(), Memory: map[string]int64{}, Version: map[string]string{}, Config: map[string]any{
		"rounds": c.Rounds, "seconds": c.Seconds, "connections": c.Connections, "rate": c.Rate, "crowd": c.Crowd, "foreign": c.Foreign,
	}}
	peers, err := start(ctx, lab, kinds, res)
	if err != nil {
		return err
	}
	r := &run.Runner{Log: log, Config: run.Config{
		Rounds: c.Rounds, Seconds: c.Seconds, Connections: c.Connections, Rate: c.Rate, Crowd: c.Crowd, Foreign: c.Foreign, Repeats: c.Repeats, Budget: c.Budget,
	}}
	if err := r.Rounds(ctx, peers, res); err != nil {
		return err
	}
	if err := r.Crowds(ctx, peers, res); err != nil {
		return err
	}
	res.Took = time.Since(res.Started).Round(time.Second).String()
	return c.tell(res)
}

// tell writes the results down.
func (c *runCmd) tell(res *run.Results) error {
	raw, err := json.MarshalIndent(res, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.Results), 0o755); err != nil { // #nosec G301 -- no secrets
		return err
	}
	if err := os.WriteFile(c.Results, append(raw, '\n'), 0o644); err != nil { // #nosec G306 -- no secrets
		return err
	}
	table := report.Markdown(res)
	fmt.Println(table)
	if c.Doc == "" {
		return nil
	}
	return report.Rewrite(c.Doc, table)
}

func (c *runCmd) lab(log *slog.Logger) (*peer.Lab, func() error, error) {
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	l := &peer.Lab{Dir: dir, Tools: c.Tools, Sluice: c.Sluice, Self: self}
	return l, func() error {
		err := l.Close()
		if c.Keep {
			log.Info("logs and data are kept", "directory", dir)
			return err
		}
		_ = os.RemoveAll(dir) // of a temporary directory
		return err
	}, nil
}

func start(ctx context.Context, lab *peer.Lab, kinds []peer.Kind, res *run.Results) ([]*peer.Peer, error) {
	if err := lab.Backend(); err != nil {
		return nil, err
	}
	var peers []*peer.Peer
	for _, k := range kinds {
		p, err := k.Start(ctx, lab)
		if err != nil {
			return nil, err
		}
		peers = append(peers, p)
		res.Peers = append(res.Peers, run.Title{Name: k.Name, Title: k.Title})
		res.Version[k.Name] = lab.Version(k.Name)
	}
	return peers, nil
}

func chosen(names []string) ([]peer.Kind, error) {
	all := peer.Kinds()
	if len(names) == 0 {
		return all, nil
	}
	var out []peer.Kind
	for _, name := range names {
		i := slices.IndexFunc(all, func(k peer.Kind) bool { return k.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no peer %q", name)
		}
		out = append(out, all[i])
	}
	return out, nil
}

func describe() string {
	var model string
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
			}
		}
	}
	return fmt.Sprintf("%d CPUs (%s)", runtime.NumCPU(), model)
}

func main() {
	if err := kong.Parse(&commandLine{}, kong.Name("bench")).Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
