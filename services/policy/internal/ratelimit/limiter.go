package ratelimit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/redisdb"
)

const (
	// workers send batches at the same time, so that Redis has work while replies
	// are read, and one batch that hangs does not stop the rest.
	workers = 4
	// queueLength bounds jobs that wait for a worker; more are answered unavailable.
	queueLength = 4096
	// batchChecks is about how many checks go to Redis in one round trip.
	batchChecks = 4096
	// callDeadline bounds a round trip, and the wait for one.
	callDeadline = 250 * time.Millisecond
	// rest is how long Redis is left alone after a batch that failed altogether:
	// meanwhile checks are answered unavailable without any wait.
	rest = 500 * time.Millisecond
)

// job is one message and where its decisions go.
type job struct {
	checks  []*policyv1.RateLimitCheck
	returns []*policyv1.RateLimitReturn
	arrived time.Time
	done    func([]*policyv1.RateLimitDecision) // must not block
}

// Limiter decides checks of all streams together. While one batch is with Redis
// the next gathers, so batches are as large as the load makes them and a lone
// check does not wait.
type Limiter struct {
	counter counter
	index   *Index
	queue   chan job
	metrics *Metrics
	log     *slog.Logger
	resting atomic.Int64 // until then (Unix nanoseconds) Redis is left alone
}

// NewLimiter returns a limiter that counts in db and notes in index what it counts. Run makes it work.
func NewLimiter(db *redisdb.DB, index *Index, m *Metrics, log *slog.Logger) *Limiter {
	return &Limiter{counter: counter{db}, index: index, queue: make(chan job, queueLength), metrics: m, log: log}
}

// Run decides until ctx ends.
func (l *Limiter) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { l.work(ctx) })
	}
	wg.Wait()
	return ctx.Err()
}

// submit hands a job to the workers; when they are too far behind it is answered
// unavailable at once.
func (l *Limiter) submit(j job) {
	select {
	case l.queue <- j:
	default:
		l.answer(j, unavailable(j.checks))
	}
}

func (l *Limiter) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-l.queue:
			l.decide(ctx, l.gather(first))
		}
	}
}

// gather takes what waits in the queue, up to batchChecks.
func (l *Limiter) gather(first job) []job {
	jobs, checks := []job{first}, len(first.checks)
	for checks < batchChecks {
		select {
		case next := <-l.queue:
			jobs, checks = append(jobs, next), checks+len(next.checks)
		default:
			return jobs
		}
	}
	return jobs
}

// decide answers jobs by one round trip, and gives back by another.
func (l *Limiter) decide(ctx context.Context, jobs []job) {
	now := time.Now()
	live := jobs[:0]
	for _, j := range jobs {
		if now.UnixNano() < l.resting.Load() || now.Sub(j.arrived) > callDeadline {
			l.answer(j, unavailable(j.checks))
			continue
		}
		live = append(live, j)
	}
	if len(live) == 0 {
		return
	}
	b := newBatch(live)
	if b.asksForReturned() {
		l.give(ctx, b)
		l.take(ctx, b)
		return
	}
	l.take(ctx, b)
	l.give(ctx, b)
}

func (l *Limiter) take(ctx context.Context, b *batch) {
	began := time.Now()
	var grants []grant
	if len(b.requests) > 0 {
		limited, cancel := context.WithTimeout(ctx, callDeadline)
		defer cancel()
		grants = l.counter.take(limited, b.requests)
		l.metrics.observe(b, time.Since(began))
		l.watch(ctx, grants)
	}
	for i, j := range b.jobs {
		l.answer(j, b.decisions(i, grants))
		for _, check := range j.checks {
			l.index.note(check)
		}
	}
}

// give comes after the answers, unless somebody asks for what comes back.
func (l *Limiter) give(ctx context.Context, b *batch) {
	if len(b.back) == 0 || time.Now().UnixNano() < l.resting.Load() {
		return
	}
	limited, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	l.metrics.returned.Add(float64(l.counter.give(limited, b.back)))
}

func (l *Limiter) answer(j job, decisions []*policyv1.RateLimitDecision) {
	l.metrics.count(decisions)
	j.done(decisions)
}

// watch begins a rest when Redis answered nothing of a batch, not even with an error.
func (l *Limiter) watch(ctx context.Context, grants []grant) {
	for _, g := range grants {
		var answered redis.Error
		if g.err == nil || errors.As(g.err, &answered) {
			return
		}
	}
	if len(grants) == 0 || ctx.Err() != nil {
		return
	}
	l.resting.Store(time.Now().Add(rest).UnixNano())
	l.log.WarnContext(ctx, "rate limits cannot be counted", "error", grants[0].err, "checks_of_buckets", len(grants))
}
