// Package limit asks the policy service whether a request fits its rate limit:
// over one stream for the whole proxy, with whatever waits sent together.
//
// It never waits longer than its deadline. While the shared counter does not
// answer, the limit is kept by this proxy alone, or the rule's author has decided
// otherwise.
package limit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/trafficpolicy"
)

// ErrUnavailable says that the shared counter did not answer in time.
var ErrUnavailable = errors.New("the rate limit counter did not answer in time")

// maxBucket is the longest bucket name, in bytes, that the service takes.
const maxBucket = 512

// Limiter implements trafficpolicy.RateLimiter. It is safe for concurrent use.
type Limiter struct {
	timeout time.Duration
	clock   clock.Clock
	stream  *stream
	refused *refusals
	local   *localCounters
	metrics outcomes
}

var _ trafficpolicy.RateLimiter = (*Limiter)(nil)

// New returns a limiter that gives the service timeout to answer.
func New(client policyv1.RateLimitServiceClient, timeout time.Duration, c clock.Clock, reg prometheus.Registerer, log *slog.Logger) *Limiter {
	return &Limiter{
		timeout: timeout, clock: c, stream: newStream(client, log), refused: newRefusals(), local: newLocalCounters(), metrics: newOutcomes(reg),
	}
}

// Run keeps the stream open until ctx ends.
func (l *Limiter) Run(ctx context.Context) error { return l.stream.run(ctx) }

// Take implements trafficpolicy.RateLimiter. The error is ErrUnavailable unless
// the query's mode is local, or ctx's.
func (l *Limiter) Take(ctx context.Context, q trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
	name := bucketName(q)
	if wait := l.refused.until(name, q.Capacity, l.clock.Now()); wait > 0 {
		l.metrics.refusedCached.Inc()
		return trafficpolicy.RateLimitVerdict{RetryAfter: wait}, nil
	}
	d, err := l.stream.ask(ctx, name, q, l.timeout)
	if err != nil && ctx.Err() != nil {
		return trafficpolicy.RateLimitVerdict{}, ctx.Err()
	}
	if err != nil || d.GetUnavailable() {
		return l.alone(name, q)
	}
	return l.decided(name, q, d), nil
}

func (l *Limiter) decided(name string, q trafficpolicy.RateLimitQuery, d *policyv1.RateLimitDecision) trafficpolicy.RateLimitVerdict {
	v := trafficpolicy.RateLimitVerdict{Allowed: d.GetAllowed(), Remaining: d.GetRemaining(), RetryAfter: d.GetRetryAfter().AsDuration()}
	if v.Allowed {
		l.metrics.allowed.Inc()
		return v
	}
	l.metrics.refused.Inc()
	now := l.clock.Now()
	l.refused.remember(name, q.Capacity, now, now.Add(v.RetryAfter))
	return v
}

// alone decides without the shared counter.
func (l *Limiter) alone(name string, q trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
	if q.OnStoreError != trafficpolicy.StoreErrorLocal {
		l.metrics.unavailable.Inc()
		return trafficpolicy.RateLimitVerdict{}, ErrUnavailable
	}
	v := l.local.take(name, q.Capacity, q.Rate, l.clock.Now())
	if v.Allowed {
		l.metrics.localAllowed.Inc()
	} else {
		l.metrics.localRefused.Inc()
	}
	return v, nil
}

// bucketName names the bucket for all time: everything of the query but its
// capacity and mode.
func bucketName(q trafficpolicy.RateLimitQuery) string {
	name := strings.Join([]string{q.EndpointID, q.Name, q.Algorithm, q.Rate.String(), q.Bucket}, "|")
	if len(name) <= maxBucket && utf8.ValidString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return q.EndpointID + "|sha256:" + hex.EncodeToString(sum[:])
}

type outcomes struct {
	allowed, refused, refusedCached, localAllowed, localRefused, unavailable prometheus.Counter
}

func newOutcomes(reg prometheus.Registerer) outcomes {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sluice_proxy_rate_limit_checks_total",
		Help: "Rate limit checks by outcome: by the shared counter (allowed, refused, refused_cached), by this proxy alone (local_allowed, local_refused), or not at all (unavailable).",
	}, []string{"outcome"})
	reg.MustRegister(v)
	return outcomes{
		allowed: v.WithLabelValues("allowed"), refused: v.WithLabelValues("refused"), refusedCached: v.WithLabelValues("refused_cached"),
		localAllowed: v.WithLabelValues("local_allowed"), localRefused: v.WithLabelValues("local_refused"), unavailable: v.WithLabelValues("unavailable"),
	}
}
