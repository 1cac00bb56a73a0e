package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/child"
)

const (
	redisStartLimit = 10 * time.Second
	redisDatabases  = 1024 // logical databases of a shared server, one per test
)

// RedisServer is one redis-server child with AOF on in a directory of its own.
// Its methods are for one goroutine at a time.
type RedisServer struct {
	t    testing.TB
	addr string
	dir  string
	db   int
	more []string // further arguments
	proc *child.Process
}

// Redis starts a server for this test alone, which may be paused, killed and
// started again. It ends with the test.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	server, err := newRedis()
	if err != nil {
		t.Fatal(err)
	}
	server.t = t
	t.Cleanup(server.destroy)
	return server
}

// URL is what a Redis client connects to: redis://host:port/db.
func (s *RedisServer) URL() string { return fmt.Sprintf("redis://%s/%d", s.addr, s.db) }

// Addr is the server's host:port.
func (s *RedisServer) Addr() string { return s.addr }

// Client returns a client of the server that closes with the test.
func (s *RedisServer) Client() *redis.Client {
	s.t.Helper()
	return clientOf(s.t, s.URL())
}

// Pause stops the server in its tracks: connections stay open and nothing
// answers, as on a network that swallows packets.
func (s *RedisServer) Pause() { s.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *RedisServer) Resume() { s.signal(syscall.SIGCONT) }

// Kill ends the server at once, as a crash would.
func (s *RedisServer) Kill() { s.proc.Kill() }

// Restart starts the server again on the same port and data, killing it first
// if it still runs.
func (s *RedisServer) Restart() {
	s.t.Helper()
	s.proc.Kill()
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *RedisServer) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.proc.Signal(sig); err != nil {
		s.t.Fatalf("sending %v to redis-server: %v", sig, err)
	}
}

func (s *RedisServer) destroy() {
	s.proc.Kill()
	os.RemoveAll(s.dir)
}

func newRedis(more ...string) (*RedisServer, error) {
	dir, err := os.MkdirTemp("", "sluice-redis-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for redis-server: %w", err)
	}
	server := &RedisServer{dir: dir, more: more}
	for range 5 { // another process may take the free port first
		if server.addr, err = freeAddr(); err != nil {
			break
		}
		if err = server.start(); err == nil {
			return server, nil
		}
	}
	os.RemoveAll(dir)
	return nil, err
}

func (s *RedisServer) start() error {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return errors.New("tests need redis-server on the PATH (Debian package redis-server)")
	}
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return err
	}
	logFile := filepath.Join(s.dir, "redis.log")
	cmd := exec.Command(binary, append([]string{
		"--bind", host, "--port", port, "--dir", s.dir, "--logfile", logFile,
		"--appendonly", "yes", "--save", "", "--databases", fmt.Sprint(redisDatabases),
		"--enable-debug-command", "yes",
	}, s.more...)...)
	if s.proc, err = child.Start(cmd); err != nil {
		return err
	}
	return s.awaitReady(logFile)
}

func (s *RedisServer) awaitReady(logFile string) error {
	client := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1})
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), redisStartLimit)
	defer cancel()
	for {
		if client.Ping(ctx).Err() == nil && s.owns(ctx, client) {
			return nil
		}
		select {
		case <-s.proc.Done():
			log, _ := os.ReadFile(logFile)
			return fmt.Errorf("redis-server ended while starting (%w); its log:\n%s", s.proc.Err(), log)
		case <-ctx.Done():
			s.proc.Kill()
			return fmt.Errorf("redis-server was not ready within %v", redisStartLimit)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// owns reports whether the answering server is ours and not one that took the port first.
func (s *RedisServer) owns(ctx context.Context, client *redis.Client) bool {
	info, err := client.InfoMap(ctx, "server").Result()
	return err == nil && info["Server"]["process_id"] == fmt.Sprint(s.proc.PID())
}

// RedisDatabase is an empty logical database on the server that all tests of
// this binary share.
type RedisDatabase struct {
	t   testing.TB
	url string
}

// URL is what a Redis client connects to: redis://host:port/db.
func (d RedisDatabase) URL() string { return d.url }

// Client returns a client of the database that closes with the test.
func (d RedisDatabase) Client() *redis.Client {
	d.t.Helper()
	return clientOf(d.t, d.url)
}

var (
	sharedRedis     = sync.OnceValues(startSharedRedis)
	sharedRedisNext atomic.Int64
)

// SharedRedis returns an empty database on a server shared with the other
// tests of this binary: quicker than Redis, but it can't be paused or killed,
// and Redis shares pub/sub channels, scripts and functions between databases.
func SharedRedis(t testing.TB) RedisDatabase {
	t.Helper()
	server, err := sharedRedis()
	if err != nil {
		t.Fatal(err)
	}
	number := sharedRedisNext.Add(1) % redisDatabases
	database := RedisDatabase{t: t, url: fmt.Sprintf("redis://%s/%d", server.addr, number)}
	if err := database.Client().FlushDB(context.Background()).Err(); err != nil {
		t.Fatalf("emptying redis database %d: %v", number, err)
	}
	return database
}

func startSharedRedis() (*RedisServer, error) {
	server, err := newRedis()
	if err == nil {
		onExit(server.destroy)
	}
	return server, err
}

func clientOf(t testing.TB, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { client.Close() })
	return client
}
