package ratelimit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }

// model is the algorithm of take.lua in Go.
type model struct {
	groups []modelGroup
	held   int64
}

type modelGroup struct{ start, last, permits int64 }

func (m *model) take(now, capacity, rate, wanted int64) (given, held, wait int64) {
	width := (rate + 127) / 128
	for len(m.groups) > 0 && m.groups[0].last+rate <= now {
		m.held -= m.groups[0].permits
		m.groups = m.groups[1:]
	}
	given = max(0, min(wanted, capacity-m.held))
	if given > 0 {
		if n := len(m.groups); n > 0 && now-m.groups[n-1].start < width {
			m.groups[n-1].last, m.groups[n-1].permits = now, m.groups[n-1].permits+given
		} else {
			m.groups = append(m.groups, modelGroup{now, now, given})
		}
		m.held += given
	}
	if given < wanted {
		free := m.held
		for _, g := range m.groups {
			if free -= g.permits; free < capacity {
				wait = g.last + rate - now
				break
			}
		}
	}
	return given, m.held, wait
}

// most is the largest number of permits in any window [t, t+rate).
func most(log []permit, rate int64) int64 {
	var best, sum int64
	first := 0
	for _, p := range log {
		sum += p.n
		for log[first].at <= p.at-rate {
			sum -= log[first].n
			first++
		}
		best = max(best, sum)
	}
	return best
}

type permit struct{ at, n int64 }

// The model keeps the promise for any arrivals, needs at most 129 groups, and its
// retry-after is exact: refused a moment earlier, given then.
func TestModelKeepsThePromise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.Int64Range(1, 300).Draw(t, "capacity")
		rate := rapid.Int64Range(128, 1_000_000).Draw(t, "rate")
		longest := rapid.Int64Range(1, rate/3).Draw(t, "longest gap")
		var m model
		var log []permit
		now := int64(0)
		for range rapid.IntRange(1, 600).Draw(t, "arrivals") {
			now += rapid.Int64Range(0, longest).Draw(t, "gap")
			wanted := rapid.Int64Range(1, 20).Draw(t, "wanted")
			given, held, wait := m.take(now, capacity, rate, wanted)
			log = append(log, permit{now, given})
			if held > capacity || len(m.groups) > 129 {
				t.Fatalf("%d held of %d in %d groups", held, capacity, len(m.groups))
			}
			if given == wanted {
				continue
			}
			early, then := m.copy(), m.copy()
			if n, _, _ := early.take(now+wait-1, capacity, rate, 1); n != 0 {
				t.Fatalf("given before the promised %d", wait)
			}
			if n, _, _ := then.take(now+wait, capacity, rate, 1); n != 1 {
				t.Fatalf("not given after the promised %d", wait)
			}
		}
		if got := most(log, rate); got > capacity {
			t.Fatalf("%d in one window, capacity %d", got, capacity)
		}
	})
}

func (m *model) copy() *model {
	return &model{groups: append([]modelGroup{}, m.groups...), held: m.held}
}

// A bucket under constant pressure gives at least 99 % of what it may.
func TestModelAtSaturation(t *testing.T) {
	const rate, capacity = 60_000_000, 1000
	for _, pressure := range []float64{1.01, 1.1, 2, 10, 100} {
		var m model
		given := int64(0)
		gap := rate / (pressure * capacity)
		const windows = 100
		for now := 0.0; now < windows*rate; now += gap {
			n, _, _ := m.take(int64(now), capacity, rate, 1)
			given += n
		}
		if share := float64(given) / (windows * capacity); share < 0.99 {
			t.Errorf("at %v times the limit only %.2f %% of it are given", pressure, 100*share)
		}
	}
}

func openRedis(t testing.TB, url string) *redisdb.DB {
	t.Helper()
	db, err := redisdb.Open(redisdb.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func one(t testing.TB, c counter, r request) grant {
	t.Helper()
	g := c.take(context.Background(), []request{r})[0]
	if g.err != nil {
		t.Fatal(g.err)
	}
	return g
}

// The script does what the model does, through changes of capacity and through
// windows that pass.
func TestScriptIsTheModel(t *testing.T) {
	c := counter{openRedis(t, testenv.SharedRedis(t).URL())}
	for _, rate := range []time.Duration{2 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
		var m model
		refused := 0
		for i := range 3000 {
			r := request{bucket: fmt.Sprint("b-", rate), capacity: 1 + rand.Int64N(40), rate: rate, wanted: 1 + rand.IntN(3)}
			got := one(t, c, r)
			given, held, wait := m.take(got.at.UnixMicro(), r.capacity, rate.Microseconds(), int64(r.wanted))
			if int64(got.given) != given || got.held != held || got.retryAfter.Microseconds() != wait {
				t.Fatalf("step %d at rate %v: script %+v, model %d %d %d", i, rate, got, given, held, wait)
			}
			if got.given < r.wanted {
				refused++
			}
		}
		if refused == 0 || refused == 3000 {
			t.Errorf("rate %v: %d refusals of 3000 show nothing", rate, refused)
		}
	}
}

// Many clients on connections of their own never get more than the capacity in
// any window, and under pressure nearly all of it.
func TestPromiseWithManyClients(t *testing.T) {
	url := testenv.SharedRedis(t).URL()
	const capacity, rate = 200, 250 * time.Millisecond
	var mu sync.Mutex
	var log []permit
	var wg sync.WaitGroup
	end := time.Now().Add(10 * rate)
	for range 6 {
		c := counter{openRedis(t, url)}
		wg.Go(func() {
			for time.Now().Before(end) {
				g := one(t, c, request{bucket: "b", capacity: capacity, rate: rate, wanted: 1 + rand.IntN(4)})
				mu.Lock()
				log = append(log, permit{g.at.UnixMicro(), int64(g.given)})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	sort.Slice(log, func(i, j int) bool { return log[i].at < log[j].at })
	if got := most(log, rate.Microseconds()); got > capacity {
		t.Errorf("%d permits in one window, capacity %d", got, capacity)
	}
	given := int64(0)
	for _, p := range log {
		given += p.n
	}
	// How near to all of it is the model's to show; here a busy machine may cost some.
	windows := (log[len(log)-1].at - log[0].at) / rate.Microseconds()
	if share := float64(given) / float64(windows*capacity); share < 0.95 {
		t.Errorf("only %.1f %% of the capacity was given", 100*share)
	}
}
