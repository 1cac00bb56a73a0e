// Package ingest takes batches from proxies and makes them durable, each once:
// one committer gives them their place in the log, stores them, publishes them
// and only then acknowledges.
package ingest

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"

	"sluice.dev/platform/clock"
	"sluice.dev/services/capture/internal/heads"
	"sluice.dev/services/capture/internal/store"
)

const (
	// parallel is how many batches are inserted at the same time. They are
	// published in the order of their sequence numbers.
	parallel = 2
	// queueLength bounds the batches that wait, beside their memory.
	queueLength = 1024
	// stale is the age from which a batch may have been stored in an earlier life
	// of its proxy or of this process, so that the store must look first.
	stale = 30 * time.Second
	// clockSkew is by how much a proxy's clock may be ahead, when it is asked
	// whether a batch is older than this process.
	clockSkew = 5 * time.Second
	minDelay  = 100 * time.Millisecond
	maxDelay  = 3 * time.Second
)

// Table stores batches.
type Table interface {
	Insert(ctx context.Context, b *store.Batch) error
	InsertAgain(ctx context.Context, b *store.Batch) (was bool, err error)
}

// Publisher commits a writer's log up to a sequence number.
type Publisher interface {
	Publish(ctx context.Context, writer string, seq uint64) error
}

// Permit says whether this process may still insert.
type Permit interface{ Held() bool }

// Committer is the one place of a process where rows enter the log.
type Committer struct {
	writer  string
	table   Table
	heads   Publisher
	permit  Permit
	clock   clock.Clock
	log     *slog.Logger
	metrics *Metrics

	queue   chan *Ticket
	memory  *semaphore.Weighted
	budget  int64
	tickets *tickets

	started time.Time
	next    uint64
}

// NewCommitter returns a committer for writer, whose log ends at head. Batches
// that wait or are being stored take at most budget bytes.
func NewCommitter(writer string, head uint64, budget int64, table Table, board Publisher, permit Permit, clk clock.Clock, log *slog.Logger, metrics *Metrics) *Committer {
	return &Committer{
		writer: writer, next: head + 1, table: table, heads: board, permit: permit, clock: clk, log: log, metrics: metrics,
		queue: make(chan *Ticket, queueLength), memory: semaphore.NewWeighted(budget), budget: budget,
		tickets: newTickets(), started: clk.Now(),
	}
}

// Run stores what is submitted until ctx ends; what is not stored by then is not
// acknowledged, and its proxy sends it again.
func (c *Committer) Run(ctx context.Context) error {
	slots := semaphore.NewWeighted(parallel)
	before := make(chan struct{})
	close(before)
	for {
		var t *Ticket
		select {
		case <-ctx.Done():
			_ = slots.Acquire(context.WithoutCancel(ctx), parallel) // wait for those that are being stored
			c.tickets.failAll(ctx.Err())
			return nil
		case t = <-c.queue:
		}
		if slots.Acquire(ctx, 1) != nil {
			continue
		}
		c.stamp(t)
		after := make(chan struct{})
		go func(before chan struct{}) {
			defer slots.Release(1)
			c.commit(ctx, t, before)
			close(after)
		}(before)
		before = after
	}
}

// stamp gives t the next sequence numbers.
func (c *Committer) stamp(t *Ticket) {
	first := max(c.next, heads.Seq(c.clock.Now()))
	t.batch.Stamp(c.writer, first)
	t.last = first + uint64(t.batch.Rows()) - 1
	c.next = t.last + 1
}

// commit stores t, waits until those before it are published, and publishes it.
func (c *Committer) commit(ctx context.Context, t *Ticket, before <-chan struct{}) {
	rows := t.batch.Rows()
	err := c.store(ctx, t.batch)
	<-before
	if err == nil {
		err = c.persist(ctx, "publish", func(int) error { return c.publish(ctx, t.last) })
	}
	c.memory.Release(t.weight)
	c.metrics.queued(-1, -t.weight)
	c.tickets.finish(t, err)
	if err == nil {
		c.metrics.committed(rows, heads.Time(t.last), c.clock.Now())
	}
}

func (c *Committer) publish(ctx context.Context, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return c.heads.Publish(ctx, c.writer, seq)
}

// store inserts b. A batch that may have been stored before takes the longer way.
func (c *Committer) store(ctx context.Context, b *store.Batch) error {
	born := b.Born()
	doubt := c.clock.Now().Sub(born) > stale || born.Before(c.started.Add(clockSkew))
	return c.persist(ctx, "insert", func(attempt int) error {
		if !c.permit.Held() {
			return errNotHeld
		}
		begin := time.Now()
		defer func() { c.metrics.insert.Observe(time.Since(begin).Seconds()) }()
		if attempt == 0 && !doubt {
			return c.table.Insert(ctx, b)
		}
		was, err := c.table.InsertAgain(ctx, b)
		if was {
			c.metrics.duplicates.Inc()
		}
		return err
	})
}

// persist tries until it succeeds or ctx ends: later batches wait, so that the
// log has no hole that could fill up behind a reader.
func (c *Committer) persist(ctx context.Context, what string, try func(attempt int) error) error {
	delay := minDelay
	for attempt := 0; ; attempt++ {
		err := try(attempt)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.metrics.failures.WithLabelValues(what).Inc()
		c.log.Warn("a batch is not committed yet; it is tried again", "step", what, "attempt", attempt+1, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(delay):
			delay = min(2*delay, maxDelay)
		}
	}
}
