package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"sluice.dev/platform/clickhouse/embedded"
)

// machine is the engine and the Redis of one measurement.
type machine struct {
	dir    string
	kept   bool // the folder stays
	loaded bool // the folder was there, with exchanges
	engine *embedded.Process
	redis  *exec.Cmd
	port   int
}

func start(ctx context.Context, dir string, log *slog.Logger) (m *machine, err error) {
	m = &machine{dir: dir, kept: dir != ""}
	if m.kept {
		err = os.Mkdir(dir, 0o700)
		m.loaded = errors.Is(err, fs.ErrExist)
	} else {
		m.dir, err = os.MkdirTemp("", "sluice-exchanges-")
	}
	if err != nil && !m.loaded {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if m.engine, err = embedded.Start(ctx, embedded.ProcessConfig{Command: []string{self}, DataDir: filepath.Join(m.dir, "clickhouse"), MaxMemory: 6 << 30, Log: log}); err != nil {
		return nil, err
	}
	return m, m.startRedis()
}

func (m *machine) startRedis() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	m.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	m.redis = exec.Command("redis-server", "--port", strconv.Itoa(m.port), "--bind", "127.0.0.1", "--save", "", "--dir", m.dir) //nolint:gosec // fixed arguments
	if err := m.redis.Start(); err != nil {
		return fmt.Errorf("starting Redis: %w", err)
	}
	return nil
}

func (m *machine) redisURL() string { return fmt.Sprintf("redis://127.0.0.1:%d/0", m.port) }

func (m *machine) stop() {
	_ = m.engine.Stop(context.Background()) // what it had is removed next
	_ = m.redis.Process.Kill()
	_ = m.redis.Wait()
	if !m.kept {
		os.RemoveAll(m.dir)
	}
}

// cpu is the seconds that this process and the engine have used.
func (m *machine) cpu() (own, engine float64) {
	return cpuOf(os.Getpid()), cpuOf(m.engine.PID())
}

// cpuOf reads /proc/PID/stat, fields 14 and 15 (proc(5)), in hundredths of seconds.
func cpuOf(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}
