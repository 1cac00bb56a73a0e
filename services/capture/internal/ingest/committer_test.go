package ingest_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/id"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/heads"
	"sluice.dev/services/capture/internal/ingest"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

// table is a table whose time to insert and failures the test decides; the real
// one is under test in package capture.
type table struct {
	mu       sync.Mutex
	insert   func(batches []*store.Batch) error
	inserted [][]string
	again    [][]string
	stored   bool
}

func idsOf(batches []*store.Batch) (ids []string) {
	for _, b := range batches {
		ids = append(ids, b.ID)
	}
	return ids
}

func (t *table) Insert(_ context.Context, batches ...*store.Batch) error {
	var err error
	if t.insert != nil {
		err = t.insert(batches)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inserted = append(t.inserted, idsOf(batches))
	return err
}

func (t *table) InsertAgain(_ context.Context, batches ...*store.Batch) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.again = append(t.again, idsOf(batches))
	return 0, nil
}

func (t *table) Stored(context.Context, *store.Batch) (bool, error) { return t.stored, nil }

// claims are what other processes claim, until a time.
type claims struct {
	foreign map[string]time.Time
	taken   map[string]bool
}

func (c *claims) Take(_ context.Context, batches []string) (answers []heads.Claim, err error) {
	for _, b := range batches {
		switch {
		case time.Now().Before(c.foreign[b]):
			answers = append(answers, heads.Foreign)
		case c.taken[b]:
			answers = append(answers, heads.Held)
		default:
			c.taken[b] = true
			answers = append(answers, heads.Fresh)
		}
	}
	return answers, nil
}

type board struct {
	mu   sync.Mutex
	seqs []uint64
	fail error
}

func (b *board) Publish(_ context.Context, _ string, seq uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail == nil {
		b.seqs = append(b.seqs, seq)
	}
	return b.fail
}

type permit struct{ held bool }

func (p permit) Held() bool { return p.held }

func one(n int) *capturev1.Batch {
	return &capturev1.Batch{Id: id.Batch.At(time.Now()), Exchanges: sample.Some(uint64(n), n, time.Now(), time.Millisecond)}
}

// run starts a committer, ten seconds before the test begins its work, within a
// synctest bubble.
func run(t *testing.T, budget int64, tab *table, shared ingest.Redis) (c *ingest.Committer, stop func()) {
	if shared.Publisher == nil {
		shared.Publisher = &board{}
	}
	if shared.Claims == nil {
		shared.Claims = &claims{taken: map[string]bool{}}
	}
	if shared.Permit == nil {
		shared.Permit = permit{true}
	}
	c = ingest.NewCommitter("w", 41, budget, tab, labels{}, shared, clock.System{}, slog.New(slog.DiscardHandler), ingest.NewMetrics(prometheus.NewRegistry()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Run(ctx) }()
	time.Sleep(10 * time.Second)
	return c, func() { cancel(); <-done }
}

func submit(t *testing.T, c *ingest.Committer, b *capturev1.Batch) *ingest.Ticket {
	t.Helper()
	ticket, err := c.Submit(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func done(ticket *ingest.Ticket) bool {
	select {
	case <-ticket.Done():
		return true
	default:
		return false
	}
}

func TestBatchesThatArriveMeanwhileMakeAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := &table{insert: func([]*store.Batch) error { time.Sleep(50 * time.Millisecond); return nil }}
		published := &board{}
		c, stop := run(t, 1<<20, tab, ingest.Redis{Publisher: published})
		defer stop()
		begin := time.Now()
		var ids []string
		var last *ingest.Ticket
		for range 10 { // over 180 ms: ClickHouse rests for 200 ms from the start of the first insert
			b := one(2)
			ids = append(ids, b.Id)
			last = submit(t, c, b)
			time.Sleep(20 * time.Millisecond)
		}
		<-last.Done()
		if took := time.Since(begin); took != 250*time.Millisecond {
			t.Errorf("the last batch took %s from the start of the first", took)
		}
		want := [][]string{ids[:1], ids[1:]}
		if !slices.EqualFunc(tab.inserted, want, slices.Equal[[]string]) {
			t.Errorf("inserted %v, want %v", tab.inserted, want)
		}
		if len(published.seqs) != 2 || published.seqs[1] < published.seqs[0]+18 {
			t.Errorf("published %v", published.seqs)
		}
	})
}

func TestLargeGroupDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := &table{insert: func([]*store.Batch) error { time.Sleep(50 * time.Millisecond); return nil }}
		c, stop := run(t, 128<<20, tab, ingest.Redis{})
		defer stop()
		submit(t, c, one(1))
		begin := time.Now()
		<-submit(t, c, one(20_000)).Done()
		if took := time.Since(begin); took != 100*time.Millisecond {
			t.Errorf("it took %s, two inserts take 100 ms", took)
		}
	})
}

func TestBatchOfAnotherProcessIsLeftToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab, shared := &table{}, &claims{taken: map[string]bool{}, foreign: map[string]time.Time{}}
		c, stop := run(t, 1<<20, tab, ingest.Redis{Claims: shared})
		defer stop()
		b, other := one(1), one(1)
		shared.foreign[b.Id] = time.Now().Add(time.Hour)
		begin, ticket := time.Now(), submit(t, c, b)
		<-submit(t, c, other).Done()
		if time.Since(begin) > time.Second || done(ticket) {
			t.Error("another batch had to wait")
		}
		time.Sleep(time.Minute)
		if done(ticket) {
			t.Error("the batch was acknowledged, and nobody stored it")
		}
		tab.mu.Lock()
		tab.stored = true
		tab.mu.Unlock()
		<-ticket.Done()
		if len(tab.inserted) != 1 || len(tab.again) != 0 || ticket.Err() != nil {
			t.Errorf("inserted %v, again %v, %v", tab.inserted, tab.again, ticket.Err())
		}
	})
}

func TestBatchOfAProcessThatDiedIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab, shared := &table{}, &claims{taken: map[string]bool{}, foreign: map[string]time.Time{}}
		c, stop := run(t, 1<<20, tab, ingest.Redis{Claims: shared})
		defer stop()
		b := one(1)
		shared.foreign[b.Id] = time.Now().Add(75 * time.Second)
		<-submit(t, c, b).Done()
		if len(tab.inserted) != 0 || len(tab.again) != 1 {
			t.Errorf("inserted %v, again %v: it must be looked for", tab.inserted, tab.again)
		}
	})
}

func TestFailedInsertIsTriedAgainCarefully(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := &table{insert: func([]*store.Batch) error { return errors.New("no answer") }}
		published := &board{}
		c, stop := run(t, 1<<20, tab, ingest.Redis{Publisher: published})
		defer stop()
		b := one(1)
		<-submit(t, c, b).Done()
		if len(tab.inserted) != 1 || len(tab.again) != 1 || len(published.seqs) != 1 {
			t.Errorf("inserted %v, again %v, published %v", tab.inserted, tab.again, published.seqs)
		}
	})
}

func TestOldBatchIsLookedForFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := one(1) // older than the committer
		time.Sleep(time.Minute)
		tab := &table{insert: func([]*store.Batch) error { return nil }}
		c, stop := run(t, 1<<20, tab, ingest.Redis{})
		defer stop()
		<-submit(t, c, b).Done()
		if len(tab.inserted) != 0 || len(tab.again) != 1 {
			t.Errorf("inserted %v, again %v", tab.inserted, tab.again)
		}
	})
}

func TestResentBatchSharesTheTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := &table{insert: func([]*store.Batch) error { time.Sleep(time.Second); return nil }}
		c, stop := run(t, 1<<20, tab, ingest.Redis{})
		defer stop()
		b := one(1)
		first, second := submit(t, c, b), submit(t, c, b)
		<-second.Done()
		if third := submit(t, c, b); first != second || first != third || len(tab.inserted) != 1 {
			t.Errorf("the batch was inserted %d times", len(tab.inserted))
		}
	})
}

func TestFullQueueMakesTheProxyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := &table{insert: func([]*store.Batch) error { time.Sleep(time.Minute); return nil }}
		c, stop := run(t, 10_000, tab, ingest.Redis{})
		defer stop()
		submit(t, c, one(100)) // more than the budget: it gets all of it
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		waiting := one(1)
		if _, err := c.Submit(ctx, waiting); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the queue took more than its memory: %v", err)
		}
		begin := time.Now()
		submit(t, c, waiting) // is not mistaken for the one that was given up
		if took := time.Since(begin); took < 50*time.Second {
			t.Errorf("the queue took more after %s", took)
		}
	})
}

func TestStoppingGivesUpWhatIsNotDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := &table{insert: func([]*store.Batch) error { return nil }}
		c, stop := run(t, 1<<20, tab, ingest.Redis{Permit: permit{false}})
		ticket := submit(t, c, one(1))
		time.Sleep(time.Minute)
		if done(ticket) || len(tab.inserted) != 0 {
			t.Error("a process that may not insert did")
		}
		stop()
		if !done(ticket) || ticket.Err() == nil {
			t.Error("the batch was not given up")
		}
	})
}

func TestUnpublishedBatchIsNotAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := &table{insert: func([]*store.Batch) error { return nil }}
		published := &board{fail: errors.New("away")}
		c, stop := run(t, 1<<20, tab, ingest.Redis{Publisher: published})
		defer stop()
		ticket := submit(t, c, one(1))
		time.Sleep(time.Minute)
		if done(ticket) {
			t.Fatal("the batch was acknowledged")
		}
		published.mu.Lock()
		published.fail = nil
		published.mu.Unlock()
		<-ticket.Done()
		if len(published.seqs) != 1 || len(tab.inserted) != 1 {
			t.Errorf("published %v, inserted %v", published.seqs, tab.inserted)
		}
	})
}

// labels leave exchanges as they are.
type labels struct{}

func (labels) Label([]*capturev1.Exchange) {}
