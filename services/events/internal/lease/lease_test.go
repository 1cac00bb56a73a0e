package lease

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }

func open(t *testing.T, url string) *redisdb.DB {
	t.Helper()
	db, err := redisdb.Open(redisdb.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func short(db *redisdb.DB) *Lease {
	l := New(db, slog.New(slog.DiscardHandler), "job")
	l.ttl = 300 * time.Millisecond
	return l
}

func TestOneHolderAtATimeAndTokensGrow(t *testing.T) {
	db := open(t, testenv.SharedRedis(t).URL())
	ctx, stop := context.WithCancel(context.Background())
	var holders, turns atomic.Int64
	var last atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			short(db).Hold(ctx, func(_ context.Context, token int64) {
				if holders.Add(1) != 1 {
					t.Error("two hold the lease")
				}
				if before := last.Swap(token); before >= token {
					t.Errorf("token %d after %d", token, before)
				}
				turns.Add(1)
				holders.Add(-1)
			})
		})
	}
	testenv.Eventually(t, 10*time.Second, func() bool { return turns.Load() >= 8 }, "eight turns")
	stop()
	all.Wait()
}

func TestTheLeaseIsKeptWhileWorkRuns(t *testing.T) {
	db := open(t, testenv.SharedRedis(t).URL())
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var all sync.WaitGroup
	started := make(chan struct{})
	all.Go(func() {
		short(db).Hold(ctx, func(ctx context.Context, _ int64) {
			close(started)
			<-ctx.Done()
		})
	})
	<-started
	second, cancel := context.WithTimeout(ctx, 900*time.Millisecond)
	defer cancel()
	short(db).Hold(second, func(context.Context, int64) { t.Error("a second holder, although the first is well") })
	stop()
	all.Wait()
	if n := db.Exists(context.Background(), short(db).key).Val(); n != 0 {
		t.Error("the lease outlives a clean stop")
	}
}

func TestWorkStopsWhenRedisIsSilent(t *testing.T) {
	server := testenv.Redis(t)
	db := open(t, server.URL())
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var all sync.WaitGroup
	started, stopped := make(chan struct{}), make(chan struct{})
	var once sync.Once
	all.Go(func() {
		short(db).Hold(ctx, func(ctx context.Context, _ int64) {
			once.Do(func() {
				close(started)
				<-ctx.Done()
				close(stopped)
			})
		})
	})
	<-started
	server.Pause()
	select {
	case <-stopped:
	case <-time.After(5 * time.Second):
		t.Error("work goes on without a lease")
	}
	server.Resume()
	stop()
	all.Wait()
}
