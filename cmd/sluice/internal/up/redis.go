package up

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sluice.dev/platform/child"
	"sluice.dev/platform/redisdb"
)

// maxSocketPath is what fits into a sockaddr_un on every system.
const maxSocketPath = 100

// restartPause is the wait before a redis-server that ended is started again.
const restartPause = time.Second

// redisServer is a redis-server of our own: append-only file in the data
// directory, reachable by a unix socket only.
type redisServer struct {
	dir, socket string
	log         *slog.Logger
	process     *child.Process
}

// startRedis starts the server and waits until it answers.
func startRedis(ctx context.Context, dir string, log *slog.Logger) (*redisServer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the Redis directory: %w", err)
	}
	socket, err := socketPath(dir)
	if err != nil {
		return nil, err
	}
	r := &redisServer{dir: dir, socket: socket, log: log}
	if err := r.start(); err != nil {
		return nil, err
	}
	if err := r.waitReady(ctx); err != nil {
		r.process.Kill()
		return nil, err
	}
	return r, nil
}

func socketPath(dir string) (string, error) {
	path := filepath.Join(dir, "redis.sock")
	if len(path) <= maxSocketPath {
		return path, nil
	}
	short, err := os.MkdirTemp("", "sluice-redis-")
	if err != nil {
		return "", fmt.Errorf("make a directory for the Redis socket: %w", err)
	}
	return filepath.Join(short, "redis.sock"), nil
}

// URL is what redisdb opens.
func (r *redisServer) URL() string { return "unix://" + r.socket }

func (r *redisServer) start() error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return fmt.Errorf("redis-server is not installed; run `make setup`, or give --redis URL: %w", err)
	}
	logFile := filepath.Join(r.dir, "redis.log")
	cmd := exec.Command(path,
		"--port", "0", "--unixsocket", r.socket, "--unixsocketperm", "700",
		"--dir", r.dir, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
		"--logfile", logFile, "--daemonize", "no", "--maxmemory-policy", "noeviction")
	if r.process, err = child.Start(cmd); err != nil {
		return fmt.Errorf("start redis-server: %w", err)
	}
	return nil
}

func (r *redisServer) waitReady(ctx context.Context) error {
	db, err := redisdb.Open(redisdb.Config{URL: r.URL()})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // nothing to lose: it only pinged
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return db.WaitReady(ctx)
}

// Run starts the server again whenever it ends, until ctx ends; then it stops it,
// so that it writes its append-only file.
func (r *redisServer) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			return r.process.Stop(stop)
		case <-r.process.Done():
		}
		r.log.Error("redis-server ended; starting it again", "error", r.process.Err(), "log", filepath.Join(r.dir, "redis.log"))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(restartPause):
		}
		if err := r.start(); err != nil {
			return err
		}
	}
}
