// Package ingest takes batches from proxies and makes them durable, each once:
// one committer gives them their place in the log, stores them, publishes them
// and only then acknowledges.
package ingest

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"sluice.dev/platform/clock"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/heads"
	"sluice.dev/services/capture/internal/store"
)

const (
	// queueLength bounds the batches that wait, beside their memory.
	queueLength = 1024
	// stale is the age from which a batch may have been stored in an earlier life
	// of its proxy, so that the store must look first. Claims last longer.
	stale = 30 * time.Second
	// clockSkew is by how much a proxy's clock may be ahead, when it is asked
	// whether a batch is older than this process.
	clockSkew = 5 * time.Second
	minDelay  = 100 * time.Millisecond
	maxDelay  = 3 * time.Second
)

// Table stores batches.
type Table interface {
	Insert(ctx context.Context, batches ...*store.Batch) error
	InsertAgain(ctx context.Context, batches ...*store.Batch) (were int, err error)
	Stored(ctx context.Context, b *store.Batch) (bool, error)
}

// Publisher commits a writer's log up to a sequence number.
type Publisher interface {
	Publish(ctx context.Context, writer string, seq uint64) error
}

// Claims say which process inserts a batch.
type Claims interface {
	Take(ctx context.Context, batches []string) ([]heads.Claim, error)
}

// Permit says whether this process may still insert.
type Permit interface{ Held() bool }

// Labels gives exchanges what is computed when they are stored.
type Labels interface {
	Label([]*capturev1.Exchange)
}

// Redis is what the committers of all processes share.
type Redis struct {
	Publisher
	Claims
	Permit
}

// Committer is the one place of a process where rows enter the log. It inserts
// one group of batches at a time; what arrives meanwhile is the next group.
type Committer struct {
	writer  string
	table   Table
	labels  Labels
	redis   Redis
	clock   clock.Clock
	log     *slog.Logger
	metrics *Metrics

	queue   chan *job
	memory  *semaphore.Weighted
	budget  int64
	tickets *tickets

	started time.Time
	next    uint64
	pace    pace

	yielding sync.WaitGroup
}

// NewCommitter returns a committer for writer, whose log ends at head. Batches
// that wait or are being stored take at most budget bytes.
func NewCommitter(writer string, head uint64, budget int64, table Table, labels Labels, redis Redis, clk clock.Clock, log *slog.Logger, metrics *Metrics) *Committer {
	return &Committer{
		writer: writer, next: head + 1, table: table, labels: labels, redis: redis, clock: clk, log: log, metrics: metrics,
		queue: make(chan *job, queueLength), memory: semaphore.NewWeighted(budget), budget: budget,
		tickets: newTickets(), started: clk.Now(),
	}
}

// Run stores what is submitted until ctx ends; what is not stored by then is not
// acknowledged, and its proxy sends it again.
func (c *Committer) Run(ctx context.Context) error {
	for {
		group := c.pace.gather(ctx, c.queue)
		if ctx.Err() != nil {
			c.yielding.Wait()
			c.tickets.failAll(ctx.Err())
			return nil
		}
		c.commit(ctx, group)
	}
}

// commit makes a group durable, but for batches that another process has claimed:
// those come back into the queue. Only the end of ctx keeps it from succeeding.
func (c *Committer) commit(ctx context.Context, group []*job) {
	own, foreign, doubt, err := c.claim(ctx, group)
	for _, j := range foreign {
		c.yielding.Go(func() { c.yield(ctx, j) })
	}
	if err == nil && len(own) > 0 {
		c.stamp(own)
		err = c.store(ctx, own, doubt)
	}
	if err == nil && len(own) > 0 {
		err = c.persist(ctx, "publish", func(int) error { return c.publish(ctx, own[len(own)-1].last) })
	}
	for _, j := range own {
		c.finish(j, err)
	}
}

// stamp gives each batch the next sequence numbers.
func (c *Committer) stamp(group []*job) {
	c.next = max(c.next, heads.Seq(c.clock.Now()))
	for _, j := range group {
		j.batch.Stamp(c.writer, c.next)
		j.last = c.next + uint64(j.batch.Rows()) - 1
		c.next = j.last + 1
	}
}

func (c *Committer) publish(ctx context.Context, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return c.redis.Publish(ctx, c.writer, seq)
}

// store inserts a group. One with a batch that may have been stored before takes
// the longer way, and so does every further attempt.
func (c *Committer) store(ctx context.Context, group []*job, doubt bool) error {
	batches := make([]*store.Batch, len(group))
	for i, j := range group {
		batches[i] = j.batch
	}
	return c.persist(ctx, "insert", func(attempt int) error {
		if !c.redis.Held() {
			return errNotHeld
		}
		begin := time.Now()
		defer func() { c.pace.took(begin); c.metrics.insert.Observe(time.Since(begin).Seconds()) }()
		if attempt == 0 && !doubt {
			return c.table.Insert(ctx, batches...)
		}
		if attempt > 0 {
			if _, err := c.take(ctx, group); err != nil { // claims last for some attempts
				return err
			}
		}
		were, err := c.table.InsertAgain(ctx, batches...)
		c.metrics.duplicates.Add(float64(were))
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
		c.log.Warn("batches are not committed yet; it is tried again", "step", what, "attempt", attempt+1, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(delay):
			delay = min(2*delay, maxDelay)
		}
	}
}
