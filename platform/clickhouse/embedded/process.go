package embedded

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"sluice.dev/platform/child"
)

// ProcessConfig says how to run the child process.
type ProcessConfig struct {
	Command     []string // program and arguments that lead to Serve with the config of Handover
	Env         []string // further "NAME=value" for the child
	DataDir     string
	Addr        string // loopback "host:port"; empty: a free port
	LibraryPath string // empty: Library finds it
	CacheDir    string // as in ServerConfig
	MaxMemory   uint64 // bytes; 0: engine.DefaultMaxMemory
	Log         *slog.Logger
}

// Database is the database of Process.DSN.
const Database = "sluice"

const (
	minBackoff   = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
	backoffReset = time.Minute // a child that lived as long counts as healthy
	user         = "sluice"    // the server knows no users; clients must name one
)

// Process is an embedded ClickHouse in a child process, started again whenever
// it ends on its own, on the same address and with the same password.
type Process struct {
	config   ProcessConfig
	handover handover
	listener *net.TCPListener
	log      *slog.Logger

	stop     context.CancelFunc
	stopping context.Context
	done     chan struct{} // the supervisor has ended

	mu      sync.Mutex
	current *running
}

// running is one run of the child.
type running struct {
	proc  *child.Process
	alive *os.File // its standard input: closing it asks the child to end
}

// Start runs the child and waits until it serves, or ctx ends, or the child
// says why it can't: no library, directory in use.
func Start(ctx context.Context, config ProcessConfig) (*Process, error) {
	p, err := newProcess(config)
	if err != nil {
		return nil, err
	}
	first, err := p.spawn(ctx)
	if err != nil {
		p.stop()
		p.listener.Close()
		return nil, err
	}
	p.setCurrent(first)
	go p.supervise(first)
	return p, nil
}

func newProcess(config ProcessConfig) (*Process, error) {
	if len(config.Command) == 0 {
		return nil, errors.New("the embedded ClickHouse needs a command for its process")
	}
	if config.Addr == "" {
		config.Addr = "127.0.0.1:0"
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if err := checkLoopback(config.Addr); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", config.Addr)
	if err != nil {
		return nil, fmt.Errorf("the embedded ClickHouse can't listen: %w", err)
	}
	p := &Process{config: config, listener: listener.(*net.TCPListener), log: config.Log, done: make(chan struct{})}
	p.stopping, p.stop = context.WithCancel(context.Background())
	p.handover = handover{
		DataDir: config.DataDir, LibraryPath: config.LibraryPath, CacheDir: config.CacheDir,
		MaxMemory: config.MaxMemory, Password: rand.Text(),
	}
	return p, nil
}

// DSN is what clickhouse.Open takes. It holds a password that is new with each Start.
func (p *Process) DSN() string { return p.DSNOf(Database) }

// DSNOf is DSN with another database.
func (p *Process) DSNOf(database string) string {
	u := url.URL{Scheme: "clickhouse", User: url.UserPassword(user, p.handover.Password), Host: p.Addr(), Path: "/" + database}
	return u.String()
}

// Addr is the address that the server listens on.
func (p *Process) Addr() string { return p.listener.Addr().String() }

// DataDir is the directory that the child holds.
func (p *Process) DataDir() string { return p.config.DataDir }

// PID is the process id of the child that runs now, or ran last.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current.proc.PID()
}

// Stop ends the child: running queries may finish until ctx ends, then it is
// killed, which is an error. No acknowledged insert is lost either way.
func (p *Process) Stop(ctx context.Context) error {
	p.stop()
	p.mu.Lock()
	current := p.current
	p.mu.Unlock()
	current.alive.Close()
	var err error
	select {
	case <-current.proc.Done():
	case <-ctx.Done():
		current.proc.Kill()
		err = fmt.Errorf("the embedded ClickHouse did not end in time and was killed: %w", ctx.Err())
	}
	<-p.done
	p.listener.Close()
	return err
}

// setCurrent reports false when Stop came first; the caller then ends r.
func (p *Process) setCurrent(r *running) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping.Err() != nil {
		return false
	}
	p.current = r
	return true
}

// supervise starts the child again each time it ends, until Stop.
func (p *Process) supervise(r *running) {
	defer close(p.done)
	backoff := minBackoff
	begin := time.Now()
	for {
		<-r.proc.Done()
		r.alive.Close()
		if p.stopping.Err() != nil {
			return
		}
		if time.Since(begin) > backoffReset {
			backoff = minBackoff
		}
		p.log.Error("the embedded ClickHouse ended unexpectedly and is started again", "error", r.proc.Err(), "after", backoff)
		next := p.respawn(&backoff)
		if next == nil {
			return
		}
		r, begin = next, time.Now()
	}
}

// respawn tries to start the child until it serves; nil means Stop was called.
func (p *Process) respawn(backoff *time.Duration) *running {
	for {
		select {
		case <-p.stopping.Done():
			return nil
		case <-time.After(*backoff):
		}
		*backoff = min(2**backoff, maxBackoff)
		next, err := p.spawn(p.stopping)
		if err != nil {
			p.log.Error("starting the embedded ClickHouse again failed", "error", err, "retry_after", *backoff)
			continue
		}
		if p.setCurrent(next) {
			return next
		}
		next.alive.Close()
		next.proc.Kill()
		return nil
	}
}

// spawn starts the child and waits until it serves.
func (p *Process) spawn(ctx context.Context) (*running, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	listener, err := p.listener.File()
	if err != nil {
		return nil, fmt.Errorf("handing the socket to the embedded ClickHouse: %w", err)
	}
	defer listener.Close()
	stdin, alive, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	statusReader, status, err := os.Pipe()
	if err != nil {
		alive.Close()
		return nil, err
	}
	defer statusReader.Close()

	cmd := exec.Command(p.config.Command[0], p.config.Command[1:]...)
	cmd.Stderr = &logWriter{log: p.log}
	cmd.WaitDelay = time.Second
	err = p.handover.attach(cmd, stdin, listener, status)
	if err == nil {
		cmd.Env = append(cmd.Env, p.config.Env...)
		var proc *child.Process
		if proc, err = child.Start(cmd); err == nil {
			status.Close()
			return awaitReady(ctx, &running{proc: proc, alive: alive}, statusReader)
		}
	}
	status.Close()
	alive.Close()
	return nil, err
}

// awaitReady reads the child's status line.
func awaitReady(ctx context.Context, r *running, status io.Reader) (*running, error) {
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(status).ReadString('\n') // an end without a line is told by the child's exit
		line <- strings.TrimSpace(text)
	}()
	var err error
	select {
	case text := <-line:
		if text == "ready" {
			return r, nil
		}
		err = errors.New(strings.TrimPrefix(text, "error: "))
		if text == "" {
			err = errors.New("the embedded ClickHouse ended while starting; the log has what it said")
		}
	case <-ctx.Done():
		err = fmt.Errorf("the embedded ClickHouse was not ready in time: %w", ctx.Err())
	}
	r.alive.Close()
	r.proc.Kill()
	return nil, err
}
