package limit

import (
	"sync"
	"time"

	"sluice.dev/platform/trafficpolicy"
)

// slots is into how many parts a window is divided.
const slots = 10

// localCounters keep limits by this proxy's own count. In no window of length
// rate more than capacity requests are admitted: a request counts for its whole
// slot, so it may count up to a tenth of the window too long.
type localCounters struct {
	mu      sync.Mutex
	buckets map[string]*slidingWindow
}

// slidingWindow counts admissions per slot of time; slot n of the ring holds the
// time slots n, n+11, ...
type slidingWindow struct {
	counts [slots + 1]int64
	last   int64 // newest slot that is counted, in slot lengths since 1970
	length time.Duration
}

func newLocalCounters() *localCounters {
	return &localCounters{buckets: map[string]*slidingWindow{}}
}

func (l *localCounters) take(bucket string, capacity int64, rate time.Duration, now time.Time) trafficpolicy.RateLimitVerdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.buckets[bucket]
	if w == nil {
		if len(l.buckets) >= maxRemembered {
			l.sweep(now)
		}
		w = &slidingWindow{length: rate / slots}
		l.buckets[bucket] = w
	}
	return w.take(capacity, now)
}

func (w *slidingWindow) take(capacity int64, now time.Time) trafficpolicy.RateLimitVerdict {
	w.advance(now)
	var sum int64
	for _, n := range w.counts {
		sum += n
	}
	if sum >= capacity {
		return trafficpolicy.RateLimitVerdict{Local: true, RetryAfter: w.wait(sum, capacity, now)}
	}
	w.counts[w.last%(slots+1)]++
	return trafficpolicy.RateLimitVerdict{Local: true, Allowed: true, Remaining: capacity - sum - 1}
}

// advance clears the slots that left the window.
func (w *slidingWindow) advance(now time.Time) {
	slot := now.UnixNano() / int64(w.length)
	if slot-w.last > slots {
		w.counts = [slots + 1]int64{}
		w.last = slot
	}
	for w.last < slot {
		w.last++
		w.counts[w.last%(slots+1)] = 0
	}
}

// wait is how long until enough old slots have left.
func (w *slidingWindow) wait(sum, capacity int64, now time.Time) time.Duration {
	for slot := w.last - slots; slot <= w.last; slot++ {
		if slot < 0 {
			continue
		}
		if sum -= w.counts[slot%(slots+1)]; sum < capacity {
			leaves := time.Unix(0, (slot+slots+1)*int64(w.length))
			return leaves.Sub(now)
		}
	}
	return w.length * slots // capacity 0: never
}

// sweep drops buckets whose window has passed; when that is not enough, any.
func (l *localCounters) sweep(now time.Time) {
	for name, w := range l.buckets {
		if now.UnixNano()/int64(w.length)-w.last > slots {
			delete(l.buckets, name)
		}
	}
	for name := range l.buckets {
		if len(l.buckets) <= maxRemembered*3/4 {
			return
		}
		delete(l.buckets, name)
	}
}
