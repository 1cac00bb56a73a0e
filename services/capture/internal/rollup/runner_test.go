package rollup

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.dev/platform/clickhouse"
	"sluice.dev/platform/clock"
	"sluice.dev/platform/id"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/search"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/heads"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }

// noon is of today: ClickHouse removes old rows by its own clock.
var noon = time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)

// installation is a database and a Redis that outlive processes of capture.
type installation struct {
	t     *testing.T
	dsn   string
	redis string
	clock *clock.Fake
}

func install(t *testing.T) *installation {
	return &installation{t: t, dsn: testenv.ClickHouse(t), redis: testenv.SharedRedis(t).URL(), clock: clock.NewFake(noon)}
}

// process is one run of capture.
type process struct {
	*installation
	store     *store.Store
	runner    *Runner
	db        *redisdb.DB
	recovered bool
}

func (i *installation) start() *process {
	i.t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	s, err := store.Open(i.t.Context(), i.dsn, 72*time.Hour, store.Limits{Time: 10 * time.Second, Rows: 1e9, Bytes: 1e12}, i.clock, quiet)
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() { s.Close() })
	db, err := redisdb.Open(redisdb.Config{URL: i.redis, Namespace: i.t.Name()})
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() { db.Close() })
	return &process{installation: i, store: s, runner: New(s, db, "w", quiet), db: db}
}

// startCounted is a process that has stored n exchanges and counted them.
func (i *installation) startCounted(n int) *process {
	i.t.Helper()
	p := i.start()
	p.add(n, noon.Add(-2*time.Hour))
	p.turn()
	p.turn()
	return p
}

// add stores n exchanges, one each second from begin on, numbered as of now.
func (p *process) add(n int, begin time.Time) {
	p.t.Helper()
	b := store.NewBatch(&capturev1.Batch{Id: id.Batch.New(), Exchanges: sample.Some(uint64(begin.UnixNano()), n, begin, time.Second)}) //nolint:gosec // after 1970
	b.Stamp("w", heads.Seq(p.clock.Now()))
	if err := p.store.Insert(p.t.Context(), b); err != nil {
		p.t.Fatal(err)
	}
}

// turn lets a minute pass and the runner work.
func (p *process) turn() {
	p.t.Helper()
	p.clock.Advance(time.Minute)
	if err := p.runner.turn(p.t.Context(), &p.recovered); err != nil {
		p.t.Fatal(err)
	}
}

// counted is how many exchanges the histogram tells of the three hours before noon.
func (p *process) counted() (n uint64) {
	p.t.Helper()
	everything, err := search.Parse("")
	if err != nil {
		p.t.Fatal(err)
	}
	between := store.Range{From: noon.Add(-3 * time.Hour), Until: noon}
	buckets, err := p.store.Histogram(p.t.Context(), store.HistogramQuery{Range: between, Origin: between.From, Filter: everything, Interval: time.Hour})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, b := range buckets {
		for _, count := range b {
			n += count
		}
	}
	return n
}

// forget empties the table of exchanges: what is told from then on is told by counts.
func (i *installation) forget() {
	i.t.Helper()
	conn, err := clickhouse.Open(i.t.Context(), i.dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		i.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Exec(i.t.Context(), "TRUNCATE TABLE exchanges"); err != nil {
		i.t.Fatal(err)
	}
}

func (p *process) want(what string, n uint64) {
	p.t.Helper()
	if got := p.counted(); got != n {
		p.t.Errorf("%s: %d exchanges are counted, want %d", what, got, n)
	}
}

func TestWhatEndedIsCounted(t *testing.T) {
	p := install(t).start()
	p.add(600, noon.Add(-2*time.Hour))
	p.want("before the first turn", 600)
	p.turn() // finds out what is not counted
	p.turn()
	p.want("after it", 600)
	p.add(30, noon.Add(-2*time.Hour)) // late, of minutes that are counted
	p.want("with late ones", 630)
	p.turn()
	p.turn()
	p.forget()
	p.want("by the counts alone", 630)
}

// A process that takes over counts what the one before did not, and nothing twice.
func TestARestartGoesOn(t *testing.T) {
	i := install(t)
	first := i.startCounted(100)
	i.clock.Advance(time.Hour)
	first.add(50, noon.Add(-time.Hour)) // never counted by it

	second := i.start()
	second.want("before anything is known", 150)
	second.turn()
	second.turn()
	second.want("after the restart", 150)
	text, err := second.db.HGet(t.Context(), second.runner.key(), "w").Result()
	if err != nil {
		t.Fatal(err)
	}
	if done, _ := strconv.ParseUint(text, 10, 64); !heads.Time(done).After(noon.Add(30*time.Minute)) || heads.Time(done).After(i.clock.Now()) {
		t.Errorf("it is kept that all is counted until %s; it is %s", heads.Time(done), i.clock.Now())
	}
	i.forget()
	second.want("by the counts alone", 150)
}

// When it is lost how far exchanges are counted, all are looked at again.
func TestLostProgressDoesNoHarm(t *testing.T) {
	i := install(t)
	first := i.startCounted(100)
	for name, value := range map[string]string{"gone": "", "broken": "none"} {
		if err := first.db.HDel(t.Context(), first.runner.key(), "w").Err(); err != nil {
			t.Fatal(err)
		}
		if value != "" {
			if err := first.db.HSet(t.Context(), first.runner.key(), "w", value).Err(); err != nil {
				t.Fatal(err)
			}
		}
		next := i.start()
		next.turn()
		next.turn()
		next.want(name, 100)
	}
	i.forget()
	first.want("by the counts alone", 100)
}

// Without Redis nothing is answered from counts that may lack something, and the
// runner goes on when it is back.
func TestWithoutRedis(t *testing.T) {
	i := install(t)
	server := testenv.Redis(t)
	i.redis = server.URL()
	p := i.start()
	p.add(100, noon.Add(-2*time.Hour))
	server.Kill()
	i.clock.Advance(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.runner.turn(ctx, &p.recovered); err == nil || p.recovered {
		t.Fatalf("a turn without Redis: %v, recovered %v", err, p.recovered)
	}
	p.want("without Redis", 100)
	server.Restart()
	p.turn()
	p.turn()
	i.forget()
	p.want("by the counts alone", 100)
}

func TestRunEndsWithItsContext(t *testing.T) {
	p := install(t).start()
	p.add(10, noon.Add(-2*time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.runner.Run(ctx) }()
	testenv.Eventually(t, 20*time.Second, func() bool { return p.db.HExists(t.Context(), p.runner.key(), "w").Val() }, "progress is kept")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
