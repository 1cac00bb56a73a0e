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

// model is the algorithm of take.lua and give.lua in Go.
type model struct {
	groups []modelGroup
	held   int64
}

type modelGroup struct{ start, last, permits int64 }

// modelGrant is what take.lua answers.
type modelGrant struct{ given, leased, held, wait, holdOff, ends, lease int64 }

func (m *model) take(now, capacity, rate, waiting, further, within int64) (g modelGrant) {
	width, reach := (rate+255)/256, (rate+127)/128
	for len(m.groups) > 0 && m.groups[0].last+rate <= now {
		m.held -= m.groups[0].permits
		m.groups = m.groups[1:]
	}
	g.given = max(0, min(waiting, capacity-m.held))
	g.leased = max(0, min(further, (capacity-m.held-g.given)/2))
	if further > 0 {
		within = max(min(within, rate/1024), within*(g.given+g.leased)/(waiting+further))
	}
	if g.given+g.leased > 0 {
		if n := len(m.groups); n == 0 || now-m.groups[n-1].start >= width {
			m.groups = append(m.groups, modelGroup{now, now, 0})
		}
		last := &m.groups[len(m.groups)-1]
		last.last = max(last.last, min(now+within, last.start+reach))
		last.permits += g.given + g.leased
		m.held += g.given + g.leased
		g.ends, g.lease = last.last, last.start
	}
	g.held = m.held
	if m.held >= capacity {
		free, last := m.held, int64(0)
		for _, group := range m.groups {
			last = max(last, group.last) // none leaves before those in front of it
			if free -= group.permits; free < capacity {
				g.wait = last + rate - now
				break
			}
		}
		g.holdOff = g.wait
		if settled := m.groups[len(m.groups)-1].last + 500_000 - now; settled > 0 {
			g.holdOff = min(g.wait, settled)
		}
	}
	return g
}

func (m *model) give(lease, permits int64) int64 {
	for i := range m.groups {
		if g := &m.groups[i]; g.start == lease {
			permits = min(permits, g.permits)
			g.permits -= permits
			m.held -= permits
			return permits
		}
	}
	return 0
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

// lease is permits that a proxy holds.
type lease struct{ id, ends, permits int64 }

// The model keeps the promise for any arrivals and leases, whenever those are
// used or given back, needs at most 258 groups, and its retry-after is exact:
// refused a moment earlier, given then.
func TestModelKeepsThePromise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.Int64Range(1, 300).Draw(t, "capacity")
		rate := rapid.Int64Range(256, 1_000_000).Draw(t, "rate")
		longest := rapid.Int64Range(1, rate/rapid.SampledFrom([]int64{3, 1000}).Draw(t, "pace")+1).Draw(t, "longest gap")
		var m model
		var log []permit
		var leases []lease
		now := int64(0)
		for range rapid.IntRange(1, 600).Draw(t, "arrivals") {
			now += rapid.Int64Range(0, longest).Draw(t, "gap")
			leases, log = spend(t, &m, leases, log, now)
			waiting, further := rapid.Int64Range(0, 20).Draw(t, "waiting"), rapid.Int64Range(0, 40).Draw(t, "further")
			g := m.take(now, capacity, rate, waiting, further, rapid.Int64Range(0, rate/100).Draw(t, "within"))
			leases = append(leases, lease{g.lease, g.ends, g.given + g.leased})
			if g.held > capacity || len(m.groups) > 258 {
				t.Fatalf("%d held of %d in %d groups", g.held, capacity, len(m.groups))
			}
			if g.wait > 0 {
				checkWait(t, &m, now, capacity, rate, g.wait)
			}
		}
		sort.Slice(log, func(i, j int) bool { return log[i].at < log[j].at })
		if got := most(log, rate); got > capacity {
			t.Fatalf("%d in one window, capacity %d", got, capacity)
		}
	})
}

// spend uses some permits of each lease, and of those whose time has come gives
// back the rest.
func spend(t *rapid.T, m *model, leases []lease, log []permit, now int64) ([]lease, []permit) {
	var kept []lease
	for _, l := range leases {
		over := l.ends <= now
		n := rapid.Int64Range(0, l.permits).Draw(t, "used")
		if n > 0 {
			log = append(log, permit{min(now, l.ends), n})
		}
		if l.permits -= n; over {
			m.give(l.id, l.permits)
		} else if l.permits > 0 {
			kept = append(kept, l)
		}
	}
	return kept, log
}

func checkWait(t *rapid.T, m *model, now, capacity, rate, wait int64) {
	early, then := m.copy(), m.copy()
	if g := early.take(now+wait-1, capacity, rate, 1, 0, 0); g.given != 0 {
		t.Fatalf("given before the promised %d", wait)
	}
	if g := then.take(now+wait, capacity, rate, 1, 0, 0); g.given != 1 {
		t.Fatalf("not given after the promised %d", wait)
	}
}

func (m *model) copy() *model {
	return &model{groups: append([]modelGroup{}, m.groups...), held: m.held}
}

// A bucket under constant pressure gives at least 99 % of what it may, permits
// taken one by one or leased for as long as can be.
func TestModelAtSaturation(t *testing.T) {
	const rate, capacity = 60_000_000, 1000
	for _, pressure := range []float64{1.01, 1.1, 2, 10, 100} {
		for _, within := range []int64{0, rate / 128} {
			var m model
			given := int64(0)
			gap := rate / (pressure * capacity)
			const windows = 100
			for now := 0.0; now < windows*rate; now += gap {
				given += m.take(int64(now), capacity, rate, 1, 0, within).given
			}
			if share := float64(given) / (windows * capacity); share < 0.99 {
				t.Errorf("at %v times the limit, leases of %d µs: only %.2f %% of it are given", pressure, within, 100*share)
			}
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

// The script does what the model does, through changes of capacity, through
// permits that come back and through windows that pass.
func TestScriptIsTheModel(t *testing.T) {
	for name, url := range map[string]string{"one server": testenv.SharedRedis(t).URL(), "a cluster": testenv.Cluster(t).URL()} {
		t.Run(name, func(t *testing.T) { scriptIsTheModel(t, counter{openRedis(t, url)}) })
	}
}

func scriptIsTheModel(t *testing.T, c counter) {
	t.Helper()
	for _, rate := range []time.Duration{2 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
		var m model
		refused := 0
		for i := range 3000 {
			r := request{bucket: fmt.Sprint("b-", rate), capacity: 1 + rand.Int64N(40), rate: rate, waiting: 1 + rand.IntN(3),
				further: rand.Int64N(9), within: rand.N(rate / 50)}
			asked := time.Now()
			got := one(t, c, r)
			want := m.take(got.at.UnixMicro(), r.capacity, rate.Microseconds(), int64(r.waiting), r.further, r.within.Microseconds())
			if have := got.model(); have != want {
				t.Fatalf("step %d at rate %v: script %+v, model %+v", i, rate, have, want)
			}
			if got.given < r.waiting {
				refused++
			}
			if back := rand.Int64N(12); got.lease > 0 && back < 5 {
				n := c.give(t.Context(), []giveBack{{r.bucket, got.lease, back}})
				// What nobody asks for during a window expires, and then has nothing to give back to.
				expired := n == 0 && time.Since(asked) >= rate
				if want := m.give(int64(got.lease), back); n != want && !expired {
					t.Fatalf("step %d: %d of %d came back, in the model %d", i, n, back, want)
				}
			}
		}
		if refused == 0 || refused == 3000 {
			t.Errorf("rate %v: %d refusals of 3000 show nothing", rate, refused)
		}
	}
}

func (g grant) model() modelGrant {
	return modelGrant{int64(g.given), g.leased, g.held, g.retryAfter.Microseconds(), g.holdOff.Microseconds(), g.ends.UnixMicro(), int64(g.lease)}
}

// Many clients on connections of their own never get more than the capacity in
// any window, and under pressure nearly all of it.
func TestPromiseWithManyClients(t *testing.T) {
	for name, url := range map[string]string{"one server": testenv.SharedRedis(t).URL(), "a cluster": testenv.Cluster(t).URL()} {
		t.Run(name, func(t *testing.T) { promiseWithManyClients(t, url) })
	}
}

func promiseWithManyClients(t *testing.T, url string) {
	t.Helper()
	const capacity, rate = 200, 250 * time.Millisecond
	var mu sync.Mutex
	var log []permit
	var wg sync.WaitGroup
	end := time.Now().Add(10 * rate)
	for range 6 {
		c := counter{openRedis(t, url)}
		wg.Go(func() {
			for time.Now().Before(end) {
				g := one(t, c, request{bucket: "b", capacity: capacity, rate: rate, waiting: 1 + rand.IntN(4)})
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
