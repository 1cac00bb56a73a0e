package limit

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/child"
	"sluice.dev/platform/clock"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
	"sluice.dev/platform/testenv"
	"sluice.dev/platform/trafficpolicy"
)

// counterProgram builds the policy service: services meet only on the wire, in
// tests too.
var counterProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sluice-counter-")
	if err != nil {
		return "", err
	}
	counterDir = dir
	program := filepath.Join(dir, "counter")
	build := exec.Command("go", "build", "-o", program, "./testdata/counter")
	build.Stderr = os.Stderr
	return program, build.Run()
})

var counterDir string // to be removed in the end

// counter starts a policy service on a Redis and returns its address.
func counter(t testing.TB, redisURL string) string {
	t.Helper()
	program, err := counterProgram()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, redisURL)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	process, err := child.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// proxy is a limiter with a connection of its own, once it is linked.
func proxy(t testing.TB, counter string, timeout time.Duration) *Limiter {
	t.Helper()
	conn, err := rpc.Dial(counter, rpc.ClientConfig{}, telemetry.Nop())
	if err != nil {
		t.Fatal(err)
	}
	l := New(policyv1.NewRateLimitServiceClient(conn), timeout, clock.System{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		conn.Close()
	})
	testenv.Eventually(t, 10*time.Second, func() bool { return l.linked(t) }, "the counter answers")
	return l
}

func (l *Limiter) linked(t testing.TB) bool {
	_, err := l.Take(t.Context(), query("warm-up", 1_000_000, time.Minute, trafficpolicy.StoreErrorDeny))
	return err == nil
}

func query(bucket string, capacity int64, rate time.Duration, mode trafficpolicy.StoreErrorMode) trafficpolicy.RateLimitQuery {
	return trafficpolicy.RateLimitQuery{
		EndpointID: "ep_1", Name: "n", Algorithm: "sliding_window", Capacity: capacity, Rate: rate, Bucket: bucket, OnStoreError: mode,
	}
}

var callsPattern = regexp.MustCompile(`cmdstat_(?:evalsha|eval):calls=(\d+)`)

// scripts is how many scripts Redis has run.
func scripts(t testing.TB, r *redis.Client) int {
	t.Helper()
	info, err := r.Info(context.Background(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range callsPattern.FindAllStringSubmatch(info, -1) {
		calls, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		n += calls
	}
	return n
}
