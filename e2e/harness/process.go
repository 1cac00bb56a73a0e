// Package harness runs Sluice's real processes for whole-system tests: the binary
// that users run, real Redis, the real ClickHouse engine, real sockets.
package harness

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice.dev/platform/child"
)

// Binary is the command under test: SLUICE_BIN, or bin/sluice of this checkout.
func Binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("SLUICE_BIN")
	if path == "" {
		root, err := filepath.Abs("../bin/sluice")
		if err != nil {
			t.Fatal(err)
		}
		path = root
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no binary to test: %v; run `make build`", err)
	}
	return path
}

// Process is one process of the system.
type Process struct {
	Name string
	t    testing.TB
	path string
	args []string
	env  []string
	mu   sync.Mutex
	log  strings.Builder
	proc *child.Process

	killed bool
}

// Start runs path with args until the test ends. Its output is shown when the
// test fails.
func Start(t testing.TB, name, path string, env []string, args ...string) *Process {
	t.Helper()
	p := &Process{Name: name, t: t, path: path, args: args, env: env}
	p.start()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("--- output of %s\n%s", name, tail(p.Output(), 12000))
		}
	})
	return p
}

func (p *Process) start() {
	p.t.Helper()
	cmd := exec.Command(p.path, p.args...)
	cmd.Env = append(os.Environ(), p.env...)
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	go p.collect(out)
	proc, err := child.Start(cmd)
	if err != nil {
		p.t.Fatalf("start %s: %v", p.Name, err)
	}
	p.proc = proc
	go func() { <-proc.Done(); _ = in.Close() }()
}

func (p *Process) collect(r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		p.mu.Lock()
		p.log.WriteString(s.Text() + "\n")
		p.mu.Unlock()
	}
}

// Output is what the process has written so far, over all its runs.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// Kill ends the process as a power cut would.
func (p *Process) Kill() {
	p.killed = true
	p.proc.Kill()
}

// Restart starts the process again, with the same arguments.
func (p *Process) Restart() { p.t.Helper(); p.start() }

// Pause freezes the process.
func (p *Process) Pause() { _ = p.proc.Signal(syscall.SIGSTOP) }

// Resume thaws it.
func (p *Process) Resume() { _ = p.proc.Signal(syscall.SIGCONT) }

// Stop ends the process in order; it is an error when it takes over 40 s.
func (p *Process) Stop() {
	p.Resume()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	select {
	case <-p.proc.Done():
		return
	default:
	}
	if err := p.proc.Stop(ctx); err != nil {
		p.t.Errorf("%v", err)
	}
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.proc.Done() }

// The ports that FreePort gives lie below those that systems choose for outgoing
// connections, so that none of these takes one before it is listened on.
const (
	firstPort = 20000
	ports     = 12000
)

var nextPort atomic.Uint32

func init() { nextPort.Store(rand.Uint32N(ports)) }

// FreePort is a loopback address that nothing listens on now, given once.
func FreePort(t testing.TB) string {
	t.Helper()
	for range ports {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+nextPort.Add(1)%ports)
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		_ = l.Close() // nothing was accepted
		return address
	}
	t.Fatal("no port is free")
	return ""
}

// Eventually waits for ok and fails the test when it stays false for limit. what
// says what was waited for; its last error is shown.
func Eventually(t testing.TB, limit time.Duration, what string, ok func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		<-tick.C
	}
}

// Errorf is fmt.Errorf, for conditions.
func Errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "…" + s[len(s)-n:]
}
