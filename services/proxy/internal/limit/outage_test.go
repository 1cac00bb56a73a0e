package limit

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"sluice.dev/platform/testenv"
	"sluice.dev/platform/trafficpolicy"
)

// While Redis hangs for 5 s each mode does what it says, requests wait no longer
// than the deadline, and hardly any waits at all; then the shared count goes on.
func TestRedisHangs(t *testing.T) {
	server := testenv.Redis(t)
	const deadline = 50 * time.Millisecond
	l := proxy(t, counter(t, server.URL()), deadline)
	const capacity = 20
	modes := []trafficpolicy.StoreErrorMode{trafficpolicy.StoreErrorAllow, trafficpolicy.StoreErrorDeny, trafficpolicy.StoreErrorLocal}
	for _, mode := range modes {
		take(t, l, query(string(mode), capacity, time.Minute, mode))
	}
	server.Pause()
	var waits []time.Duration
	admitted := map[trafficpolicy.StoreErrorMode]int{}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); <-tick.C {
		for _, mode := range modes {
			began := time.Now()
			v, err := l.Take(t.Context(), query(string(mode), capacity, time.Minute, mode))
			waits = append(waits, time.Since(began))
			if mode == trafficpolicy.StoreErrorLocal {
				if err != nil || !v.Local {
					t.Fatalf("local: %+v, %v", v, err)
				}
			} else if !errors.Is(err, ErrUnavailable) {
				t.Fatalf("%s: %+v, %v", mode, v, err)
			}
			if v.Allowed {
				admitted[mode]++
			}
		}
	}
	server.Resume()
	if admitted[trafficpolicy.StoreErrorLocal] != capacity {
		t.Errorf("%d admitted locally, capacity %d", admitted[trafficpolicy.StoreErrorLocal], capacity)
	}
	slices.Sort(waits)
	if longest := waits[len(waits)-1]; longest > deadline+200*time.Millisecond {
		t.Errorf("a request waited %v", longest)
	}
	if usual := waits[len(waits)*9/10]; usual > deadline/2 {
		t.Errorf("nine of ten requests waited up to %v", usual)
	}
	t.Logf("%d requests: waits of %v (nine of ten), %v (all)", len(waits), waits[len(waits)*9/10], waits[len(waits)-1])
	resumes(t, l, capacity)
}

// resumes waits until the shared counter decides again, and checks that it does
// so by all that was counted before.
func resumes(t *testing.T, l *Limiter, capacity int64) {
	t.Helper()
	q := query("after", capacity, time.Minute, trafficpolicy.StoreErrorDeny)
	var v trafficpolicy.RateLimitVerdict
	testenv.Eventually(t, 10*time.Second, func() bool {
		var err error
		v, err = l.Take(t.Context(), q)
		return err == nil
	}, "the counter answers again")
	if !v.Allowed {
		t.Errorf("the first is refused: %+v", v)
	}
}

func TestRedisIsKilledAndComesBack(t *testing.T) {
	server := testenv.Redis(t)
	l := proxy(t, counter(t, server.URL()), 50*time.Millisecond)
	q := query("b", 5, time.Hour, trafficpolicy.StoreErrorDeny)
	for range 3 {
		take(t, l, q)
	}
	testenv.Eventually(t, 5*time.Second, func() bool { // written at least once a second
		info, err := server.Client().InfoMap(t.Context(), "persistence").Result()
		return err == nil && info["Persistence"]["aof_pending_bio_fsync"] == "0" && info["Persistence"]["aof_buffer_length"] == "0"
	}, "the log of Redis is on disk")
	server.Kill()
	if v, err := l.Take(t.Context(), q); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without Redis: %+v, %v", v, err)
	}
	server.Restart()
	resumes(t, l, 5)
	for want := range 3 { // two more, then it is refused: what was counted still counts
		v := take(t, l, q)
		if v.Allowed != (want < 2) {
			t.Errorf("request %d after the restart: %+v", want, v)
		}
	}
}

// Leases outlast the counter: what was counted may be used.
func TestLeasesAreUsedWhileRedisHangs(t *testing.T) {
	server := testenv.Redis(t)
	l := proxy(t, counter(t, server.URL()), 50*time.Millisecond)
	q := query("b", 1_000_000, time.Hour, trafficpolicy.StoreErrorDeny)
	testenv.Eventually(t, 10*time.Second, func() bool { take(t, l, q); return testutil.ToFloat64(l.metrics.leased) > 0 }, "a lease")
	for range 500 {
		take(t, l, q)
	}
	server.Pause()
	defer server.Resume()
	used := 0
	for {
		if _, err := l.Take(t.Context(), q); err != nil {
			break
		}
		used++
	}
	if used == 0 {
		t.Error("no permit was left, or it was not used")
	}
}
