package limit

import (
	"sync"
	"time"
)

// maxRemembered bounds what clients can make the proxy remember.
const maxRemembered = 1 << 16

// refusals remembers buckets that cannot admit a request before a known time, so
// that a client that keeps on costs no call.
type refusals struct {
	mu      sync.RWMutex
	buckets map[string]refusal
}

type refusal struct {
	capacity int64 // another capacity is another answer
	until    time.Time
}

func newRefusals() *refusals { return &refusals{buckets: map[string]refusal{}} }

// until is how long the bucket cannot admit; 0 when that is not known.
func (r *refusals) until(bucket string, capacity int64, now time.Time) time.Duration {
	r.mu.RLock()
	known, ok := r.buckets[bucket]
	r.mu.RUnlock()
	if !ok || known.capacity != capacity {
		return 0
	}
	return max(0, known.until.Sub(now))
}

func (r *refusals) remember(bucket string, capacity int64, now, until time.Time) {
	if !until.After(now) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.buckets) >= maxRemembered {
		r.sweep(now)
	}
	r.buckets[bucket] = refusal{capacity, until}
}

// sweep drops what has passed; when that is not enough, anything: it costs a call
// to learn it again.
func (r *refusals) sweep(now time.Time) {
	for name, known := range r.buckets {
		if !known.until.After(now) {
			delete(r.buckets, name)
		}
	}
	for name := range r.buckets {
		if len(r.buckets) <= maxRemembered*3/4 {
			return
		}
		delete(r.buckets, name)
	}
}
