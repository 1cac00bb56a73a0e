package delivery

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is a wait with full jitter whose bound doubles from first to most.
type backoff struct {
	first, most time.Duration
	attempt     int
}

// wait sleeps before the next attempt, at least for atLeast. It reports whether
// ctx still runs.
func (b *backoff) wait(ctx context.Context, atLeast time.Duration) bool {
	timer := time.NewTimer(max(b.next(), atLeast))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// next is the next wait: random up to a bound that doubles, and never nearly
// nothing, so that a crowd of senders spreads but none spins.
func (b *backoff) next() time.Duration {
	bound := b.most
	if b.attempt < 20 {
		bound = min(b.most, b.first<<b.attempt)
	}
	b.attempt++
	return b.first/10 + rand.N(bound-b.first/10)
}

func (b *backoff) reset() { b.attempt = 0 }
