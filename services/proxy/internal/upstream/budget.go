package upstream

import (
	"sync"
	"time"
)

const (
	budgetWindow = 10 // seconds
	// freeRetries are allowed in each window beside the share: 10 a second, which may
	// be taken at once. Of few requests a share is next to nothing, just when one
	// target of two is down and half of them need a retry.
	freeRetries = 10 * budgetWindow
)

// budget keeps retries to a share of the requests of the last seconds and a reserve,
// so that they do not break an upstream that is in trouble.
type budget struct {
	mu      sync.Mutex
	seconds [budgetWindow]budgetSecond
}

type budgetSecond struct {
	at                int64 // unix seconds
	requests, retries int
}

func (b *budget) now(t time.Time) *budgetSecond {
	at := t.Unix()
	s := &b.seconds[at%budgetWindow]
	if s.at != at {
		*s = budgetSecond{at: at}
	}
	return s
}

// request counts one that a client made.
func (b *budget) request(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now(t).requests++
}

// take counts one retry, if it is allowed.
func (b *budget) take(t time.Time, percent int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	current := b.now(t)
	requests, retries := 0, 0
	for _, s := range b.seconds {
		if t.Unix()-s.at < budgetWindow {
			requests, retries = requests+s.requests, retries+s.retries
		}
	}
	if retries >= freeRetries+percent*requests/100 {
		return false
	}
	current.retries++
	return true
}
