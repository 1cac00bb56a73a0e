// Package testenv gives tests the real things that Sluice runs on: Redis and
// ClickHouse, each a child process of the test binary that goes away with it.
// It is for tests only and holds no fakes.
//
// A package whose tests use ClickHouse or a shared server calls Main from its
// TestMain:
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
package testenv

import (
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Main runs the tests and then stops the shared servers, and exits. In the
// child that ClickHouse starts from the same binary it serves the engine
// instead. Further checks, such as for leaked goroutines, run between the
// stopping and the exit: each returns an error to fail the run.
func Main(m *testing.M, checks ...func() error) {
	if os.Getenv(childEnv) != "" {
		os.Exit(serveClickHouse())
	}
	mainRan.Store(true)
	os.Exit(run(m, checks))
}

// mainRan tells a forgotten TestMain from one that calls Main: without it the
// binary that is to serve ClickHouse would run the tests again.
var mainRan atomic.Bool

func run(m *testing.M, checks []func() error) int {
	code := m.Run()
	stopShared()
	for _, check := range checks {
		if err := check(); err != nil && code == 0 {
			fmt.Println(err)
			code = 1
		}
	}
	return code
}

// shared holds the stop functions of the servers that this binary's tests share.
var shared struct {
	sync.Mutex
	stops []func()
}

func onExit(stop func()) {
	shared.Lock()
	defer shared.Unlock()
	shared.stops = append(shared.stops, stop)
}

func stopShared() {
	shared.Lock()
	stops := shared.stops
	shared.stops = nil
	shared.Unlock()
	for _, stop := range stops {
		stop()
	}
}

// freeAddr is a loopback address that was free a moment ago.
func freeAddr() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// Eventually polls cond until it holds and fails the test after limit.
func Eventually(t testing.TB, limit time.Duration, cond func() bool, what string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not so: %s", limit, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
