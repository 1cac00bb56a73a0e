// Package limit decides whether a request fits its rate limit. Permits come from
// the policy service, which counts for all proxies: one by one for buckets with
// few requests, as short leases ahead of need for those with many, so that their
// requests wait for nobody. All questions go over one stream, with whatever waits
// sent together.
//
// It never waits longer than its deadline. While the shared counter does not
// answer, leases are used up, and then the limit is kept by this proxy alone, or
// the rule's author has decided otherwise.
package limit

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/trafficpolicy"
)

// ErrUnavailable says that the shared counter did not answer in time.
var ErrUnavailable = errors.New("the rate limit counter did not answer in time")

// Limiter implements trafficpolicy.RateLimiter. It is safe for concurrent use.
type Limiter struct {
	timeout time.Duration
	clock   clock.Clock
	stream  *stream
	buckets *buckets
	local   *localCounters
	outage  outage
	metrics outcomes
}

var _ trafficpolicy.RateLimiter = (*Limiter)(nil)

// New returns a limiter that gives the service timeout to answer.
func New(client policyv1.RateLimitServiceClient, timeout time.Duration, c clock.Clock, reg prometheus.Registerer, log *slog.Logger) *Limiter {
	l := &Limiter{timeout: timeout, clock: c, buckets: newBuckets(), local: newLocalCounters(), metrics: newOutcomes(reg)}
	l.stream = newStream(client, l.decided, log)
	return l
}

// Run keeps the stream open until ctx ends.
func (l *Limiter) Run(ctx context.Context) error { return l.stream.run(ctx) }

// Take implements trafficpolicy.RateLimiter. The error is ErrUnavailable unless
// the query's mode is local, or ctx's.
func (l *Limiter) Take(ctx context.Context, q trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
	now := l.clock.Now()
	b, v, how, c := l.buckets.take(&q, now, l.timeout)
	switch how {
	case fromLease:
		l.metrics.leased.Inc()
		if c != nil && l.outage.mayAsk(now) {
			l.stream.enqueue(c)
		}
		return v, nil
	case knownRefused:
		l.metrics.refusedCached.Inc()
		return v, nil
	case nearlyFree:
		return l.askSoon(ctx, b, q, v.RetryAfter)
	default:
		return l.ask(ctx, b, q, c, false)
	}
}

// askSoon asks once the bucket has a permit again, which is no longer than its
// patience.
func (l *Limiter) askSoon(ctx context.Context, b *bucket, q trafficpolicy.RateLimitQuery, left time.Duration) (trafficpolicy.RateLimitVerdict, error) {
	free := time.NewTimer(left)
	defer free.Stop()
	select {
	case <-free.C:
	case <-ctx.Done():
		return trafficpolicy.RateLimitVerdict{}, ctx.Err()
	}
	b.shard.mu.Lock()
	c := b.check(l.clock.Now(), l.timeout, 1)
	b.shard.mu.Unlock()
	return l.ask(ctx, b, q, c, true)
}

// ask waits for the service's answer, and asks again when a permit came too late
// to be used. Unless it has waited already it waits for a permit that is nearly
// free.
func (l *Limiter) ask(ctx context.Context, b *bucket, q trafficpolicy.RateLimitQuery, c *check, waited bool) (trafficpolicy.RateLimitVerdict, error) {
	late := time.NewTimer(l.timeout)
	defer late.Stop()
	for {
		c.answer = make(chan answer, 1)
		if !l.outage.mayAsk(c.sent) || !l.stream.enqueue(c) {
			return l.alone(b, q)
		}
		select {
		case a := <-c.answer:
			switch a.kind {
			case decided:
				if !a.verdict.Allowed && a.free > 0 && a.free <= b.patience() && !waited {
					return l.askSoon(ctx, b, q, a.free)
				}
				return l.count(a.verdict), nil
			case failed:
				return l.alone(b, q)
			}
			c = l.again(b)
		case <-late.C:
			c.abandoned.Store(true)
			l.outage.silence(c.sent, l.clock.Now())
			return l.alone(b, q)
		case <-ctx.Done():
			c.abandoned.Store(true)
			return trafficpolicy.RateLimitVerdict{}, ctx.Err()
		}
	}
}

// again is a check with more time than the first.
func (l *Limiter) again(b *bucket) *check {
	b.shard.mu.Lock()
	defer b.shard.mu.Unlock()
	c := b.check(l.clock.Now(), l.timeout, 1)
	c.message.Within = durationpb.New(min(l.timeout, b.id.longestLease()))
	return c
}

func (l *Limiter) count(v trafficpolicy.RateLimitVerdict) trafficpolicy.RateLimitVerdict {
	if v.Allowed {
		l.metrics.allowed.Inc()
	} else {
		l.metrics.refused.Inc()
	}
	return v
}

// decided takes in the service's answer to a check; nil when none will come. It
// does not block.
func (l *Limiter) decided(c *check, d *policyv1.RateLimitDecision) {
	waiting := c.answer != nil && !c.abandoned.Load()
	if d == nil || d.GetUnavailable() {
		if waiting {
			c.answer <- answer{kind: failed} // holds one
		}
		return
	}
	now, b := l.clock.Now(), c.bucket
	l.outage.answer(now)
	b.shard.mu.Lock()
	inTime, fresh := b.learn(c, d, now, waiting)
	v := trafficpolicy.RateLimitVerdict{Allowed: d.GetAllowed(), Remaining: b.remaining(), RetryAfter: max(0, d.GetRetryAfter().AsDuration()-b.patience())}
	kept := fresh != nil && (b.current == fresh || b.next == fresh)
	b.shard.mu.Unlock()
	switch { // before the answer: who asks again asks after what came too late was given back
	case kept && now.Before(fresh.ends):
		time.AfterFunc(fresh.ends.Sub(now), func() { l.end(b, fresh) })
	case fresh != nil:
		l.end(b, fresh)
	}
	if waiting {
		kind := decided
		if d.GetAllowed() && !inTime {
			kind = tooLate
		}
		c.answer <- answer{v, kind, d.GetRetryAfter().AsDuration()}
	}
}

// end gives back what is left of a lease.
func (l *Limiter) end(b *bucket, ended *lease) {
	b.shard.mu.Lock()
	left := ended.permits
	ended.permits = 0
	b.shard.mu.Unlock()
	if left > 0 && ended.token != 0 && l.stream.giveBack(&policyv1.RateLimitReturn{Bucket: b.name, Lease: ended.token, Permits: left}) {
		l.metrics.returned.Add(float64(left))
	}
}

// alone decides without the shared counter.
func (l *Limiter) alone(b *bucket, q trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
	if q.OnStoreError != trafficpolicy.StoreErrorLocal {
		l.metrics.unavailable.Inc()
		return trafficpolicy.RateLimitVerdict{}, ErrUnavailable
	}
	v := l.local.take(b.name, q.Capacity, q.Rate, l.clock.Now())
	if v.Allowed {
		l.metrics.localAllowed.Inc()
	} else {
		l.metrics.localRefused.Inc()
	}
	return v, nil
}
