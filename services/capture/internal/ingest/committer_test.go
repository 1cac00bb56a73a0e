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
	"sluice.dev/services/capture/internal/ingest"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

// table is a table whose time to insert and failures the test decides; the real
// one is under test in package capture.
type table struct {
	mu       sync.Mutex
	insert   func(b *store.Batch) error
	inserted []string
	again    []string
}

func (t *table) Insert(_ context.Context, b *store.Batch) error {
	err := t.insert(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inserted = append(t.inserted, b.ID)
	return err
}

func (t *table) InsertAgain(_ context.Context, b *store.Batch) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.again = append(t.again, b.ID)
	return false, nil
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
func run(t *testing.T, budget int64, tab *table, b *board, p permit) (c *ingest.Committer, stop func()) {
	c = ingest.NewCommitter("w", 41, budget, tab, b, p, clock.System{}, slog.New(slog.DiscardHandler), ingest.NewMetrics(prometheus.NewRegistry()))
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

func TestBatchesArePublishedInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := &table{insert: func(b *store.Batch) error {
			if b.Rows() == 3 {
				time.Sleep(time.Second)
			}
			return nil
		}}
		heads := &board{}
		c, stop := run(t, 1<<20, tab, heads, permit{true})
		defer stop()
		slow, quick := one(3), one(2)
		begin := time.Now()
		first, second := submit(t, c, slow), submit(t, c, quick)
		<-second.Done()
		if took := time.Since(begin); took != time.Second || !done(first) {
			t.Errorf("the second batch was acknowledged after %s, the first: %v", took, done(first))
		}
		if !slices.Equal(tab.inserted, []string{quick.Id, slow.Id}) {
			t.Errorf("inserts did not run side by side: %v", tab.inserted)
		}
		if len(heads.seqs) != 2 || heads.seqs[1] != heads.seqs[0]+2 {
			t.Errorf("published %v", heads.seqs)
		}
	})
}

func TestFailedInsertIsTriedAgainCarefully(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := &table{insert: func(*store.Batch) error { return errors.New("no answer") }}
		heads := &board{}
		c, stop := run(t, 1<<20, tab, heads, permit{true})
		defer stop()
		b := one(1)
		<-submit(t, c, b).Done()
		if !slices.Equal(tab.inserted, []string{b.Id}) || !slices.Equal(tab.again, []string{b.Id}) || len(heads.seqs) != 1 {
			t.Errorf("inserted %v, again %v, published %v", tab.inserted, tab.again, heads.seqs)
		}
	})
}

func TestOldBatchIsLookedForFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := one(1) // older than the committer
		time.Sleep(time.Minute)
		tab := &table{insert: func(*store.Batch) error { return nil }}
		c, stop := run(t, 1<<20, tab, &board{}, permit{true})
		defer stop()
		<-submit(t, c, b).Done()
		if len(tab.inserted) != 0 || len(tab.again) != 1 {
			t.Errorf("inserted %v, again %v", tab.inserted, tab.again)
		}
	})
}

func TestResentBatchSharesTheTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := &table{insert: func(*store.Batch) error { time.Sleep(time.Second); return nil }}
		c, stop := run(t, 1<<20, tab, &board{}, permit{true})
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
		tab := &table{insert: func(*store.Batch) error { time.Sleep(time.Minute); return nil }}
		c, stop := run(t, 10_000, tab, &board{}, permit{true})
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
		tab := &table{insert: func(*store.Batch) error { return nil }}
		c, stop := run(t, 1<<20, tab, &board{}, permit{false})
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
		tab := &table{insert: func(*store.Batch) error { return nil }}
		heads := &board{fail: errors.New("away")}
		c, stop := run(t, 1<<20, tab, heads, permit{true})
		defer stop()
		ticket := submit(t, c, one(1))
		time.Sleep(time.Minute)
		if done(ticket) {
			t.Fatal("the batch was acknowledged")
		}
		heads.mu.Lock()
		heads.fail = nil
		heads.mu.Unlock()
		<-ticket.Done()
		if len(heads.seqs) != 1 || len(tab.inserted) != 1 {
			t.Errorf("published %v, inserted %v", heads.seqs, tab.inserted)
		}
	})
}
