package policytest

import (
	"context"
	"errors"
	"time"

	"sluice.dev/platform/trafficpolicy"
)

// Window is an exact sliding window in memory: it remembers the time of every
// admitted request. It is for tests and dry runs of a single process; the
// proxies share an approximation in Redis.
type Window struct {
	Now  func() time.Time
	Down bool // Take fails, as when the shared counter does not answer

	admitted map[trafficpolicy.RateLimitQuery][]time.Time
}

var errDown = errors.New("the counter does not answer")

// Take implements trafficpolicy.RateLimiter.
func (w *Window) Take(_ context.Context, q trafficpolicy.RateLimitQuery) (trafficpolicy.RateLimitVerdict, error) {
	local := w.Down && q.OnStoreError == trafficpolicy.StoreErrorLocal
	if w.Down && !local {
		return trafficpolicy.RateLimitVerdict{}, errDown
	}
	capacity := q.Capacity
	q.Capacity, q.OnStoreError = 0, ""
	if w.admitted == nil {
		w.admitted = make(map[trafficpolicy.RateLimitQuery][]time.Time)
	}
	now := w.Now()
	times := w.admitted[q]
	for len(times) > 0 && now.Sub(times[0]) >= q.Rate {
		times = times[1:]
	}
	verdict := trafficpolicy.RateLimitVerdict{Allowed: int64(len(times)) < capacity, Local: local}
	if verdict.Allowed {
		times = append(times, now)
		verdict.Remaining = capacity - int64(len(times))
	} else {
		verdict.RetryAfter = times[len(times)-int(capacity)].Add(q.Rate).Sub(now)
	}
	w.admitted[q] = times
	return verdict, nil
}
