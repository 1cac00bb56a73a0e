// Package peer runs the proxies that are compared, Sluice among them, each as it
// is set up for production: keep-alive on both sides, no more work than its
// description says.
package peer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"sluice.dev/platform/child"
)

// Lab is where peers run: their files, and the API behind all of them.
type Lab struct {
	Dir      string         // for configurations, logs and data
	Tools    string         // where caddy and traefik are
	Sluice   string         // path of the sluice command
	Self     string         // path of this command, which is also the backend and the plain Go proxy
	Upstream netip.AddrPort // the backend
	started  []*child.Process
	system   *system // Sluice, once it runs
}

// startLimit is how long a process may take until it answers.
const startLimit = 90 * time.Second

// start runs a command whose output goes to a file, until the lab is closed.
func (l *Lab) start(name, path string, env []string, args ...string) (*child.Process, error) {
	log, err := os.OpenFile(filepath.Join(l.Dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", name, err)
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	cmd := exec.Command(path, args...) // #nosec G204 -- the commands are this package's
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.Dir = append(os.Environ(), env...), log, log, l.Dir
	p, err := child.Start(cmd)
	if err != nil {
		return nil, err
	}
	l.started = append(l.started, p)
	return p, nil
}

// Backend starts the API and sets Upstream.
func (l *Lab) Backend() error {
	at := freePort()
	p, err := l.start("backend", l.Self, nil, "backend", "--listen", at.String())
	if err != nil {
		return err
	}
	l.Upstream = at
	return l.answers(p, at)
}

// Close ends all processes, the newest first.
func (l *Lab) Close() error {
	var errs []error
	for _, p := range slices.Backward(l.started) {
		resume(p)
		errs = append(errs, stop(p))
	}
	return errors.Join(errs...)
}

func stop(p *child.Process) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return p.Stop(ctx)
}

// answers waits until a process takes connections.
func (l *Lab) answers(p *child.Process, at netip.AddrPort) error {
	return until(p, at.String()+" takes connections", func() error {
		c, err := net.DialTimeout("tcp", at.String(), time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// until waits for a condition, as long as p runs (if there is a p).
func until(p *child.Process, what string, met func() error) error {
	var ended <-chan struct{}
	if p != nil {
		ended = p.Done()
	}
	late := time.After(startLimit)
	for {
		err := met()
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("%s: the process has ended: %w", what, p.Err())
		case <-late:
			return fmt.Errorf("%s: not within %s: %w", what, startLimit, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// write makes a file in the lab and returns its path.
func (l *Lab) write(name, content string) (string, error) {
	path := filepath.Join(l.Dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return "", fmt.Errorf("configuration: %w", err)
	}
	return path, nil
}

// subdir makes a directory in the lab.
func (l *Lab) subdir(name string) (string, error) {
	path := filepath.Join(l.Dir, name)
	return path, os.MkdirAll(path, 0o700)
}

// command finds a program: among the tools, else on the path.
func (l *Lab) command(name string) (string, error) {
	path := filepath.Join(l.Tools, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed; `make bench` does that: %w", name, err)
	}
	return path, nil
}

// Ports below those that systems choose for outgoing connections.
const (
	firstPort = 20000
	ports     = 12000
)

var nextPort atomic.Uint32

func init() { nextPort.Store(rand.Uint32N(ports)) } // #nosec G404 -- no secret

// freePort is a loopback address that nothing listens on.
func freePort() netip.AddrPort {
	for {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(firstPort+nextPort.Add(1)%ports)) // #nosec G115 -- below 32000
		if l, err := net.Listen("tcp", at.String()); err == nil {
			_ = l.Close() // nothing was accepted
			return at
		}
	}
}
