package trafficpolicy

import (
	"sync"
	"time"
)

// breakerBuckets is the number of parts that a breaker's window moves in.
const breakerBuckets = 10

// breakerIdle is how long a breaker that nobody asks is kept.
const breakerIdle = 10 * time.Minute

// Breakers keeps the state of circuit breakers apart from the policies that use
// them, so that a policy which is published again finds it as it was. It is safe
// for concurrent use.
type Breakers struct {
	now func() time.Time

	mu    sync.Mutex
	all   map[breakerKey]*breaker
	swept time.Time
}

// breakerKey names a breaker: one for each endpoint, action and its settings.
type breakerKey struct {
	endpoint, action string
	settings         breakerSettings
}

type breakerSettings struct {
	errorThreshold  float64 // share of the requests
	volumeThreshold int64   // requests in the window
	window          time.Duration
	tripped         time.Duration
}

// NewBreakers returns a store without any. now may be nil for time.Now.
func NewBreakers(now func() time.Time) *Breakers {
	if now == nil {
		now = time.Now
	}
	return &Breakers{now: now, all: make(map[breakerKey]*breaker), swept: now()}
}

// Len is how many breakers are kept. One that nobody asked for ten minutes goes.
func (s *Breakers) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

func (s *Breakers) find(key breakerKey) *breaker {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Sub(s.swept) > breakerIdle {
		for k, b := range s.all {
			if now.Sub(b.used) > breakerIdle {
				delete(s.all, k)
			}
		}
		s.swept = now
	}
	b, ok := s.all[key]
	if !ok {
		b = &breaker{breakerSettings: key.settings, now: s.now}
		s.all[key] = b
	}
	b.used = now
	return b
}

// breaker counts requests and their errors in a moving window, and opens when
// too many fail.
type breaker struct {
	breakerSettings
	now  func() time.Time
	used time.Time // guarded by the store's lock

	mu        sync.Mutex
	buckets   [breakerBuckets]struct{ requests, errors int64 }
	newest    int64     // number of the newest bucket since 1970
	openUntil time.Time // zero while closed
	probing   bool      // one request is under way to see whether it works again
}

// Decisions of a circuit breaker, as events report them.
const (
	breakerAllow = "allow"
	breakerBlock = "block"
	breakerProbe = "allow_while_open"
)

// admit decides on a request. wait is how long it is blocked at least. A request
// that is not blocked must be reported or abandoned.
func (b *breaker) admit() (decision string, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	switch {
	case b.openUntil.IsZero():
		return breakerAllow, 0
	case now.Before(b.openUntil):
		return breakerBlock, b.openUntil.Sub(now)
	case b.probing:
		return breakerBlock, 0
	}
	b.probing = true
	return breakerProbe, 0
}

// report tells how an admitted request went.
func (b *breaker) report(decision string, failed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if decision == breakerProbe {
		b.probing = false
		if failed {
			b.openUntil = now.Add(b.tripped)
			return
		}
		b.openUntil = time.Time{}
		clear(b.buckets[:])
	}
	if !b.openUntil.IsZero() {
		return // admitted before it opened
	}
	b.advance(now)
	bucket := &b.buckets[b.newest%breakerBuckets]
	bucket.requests++
	if failed {
		bucket.errors++
		b.judge(now)
	}
}

// abandon takes back an admitted request that says nothing about the upstream.
func (b *breaker) abandon(decision string) {
	if decision != breakerProbe {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

// advance moves the window up to now.
func (b *breaker) advance(now time.Time) {
	number := now.UnixNano() / int64(b.window/breakerBuckets)
	if number-b.newest >= breakerBuckets {
		clear(b.buckets[:])
		b.newest = number
		return
	}
	for b.newest < number {
		b.newest++
		b.buckets[b.newest%breakerBuckets] = struct{ requests, errors int64 }{}
	}
}

// judge opens the breaker when errors reach their share of enough requests.
func (b *breaker) judge(now time.Time) {
	var requests, errors int64
	for _, bucket := range b.buckets {
		requests += bucket.requests
		errors += bucket.errors
	}
	if requests >= b.volumeThreshold && float64(errors) >= b.errorThreshold*float64(requests) {
		b.openUntil = now.Add(b.tripped)
	}
}
