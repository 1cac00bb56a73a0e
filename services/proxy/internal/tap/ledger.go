package tap

import (
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Reason is why an exchange was not recorded.
type Reason int

// The reasons.
const (
	QueueFull  Reason = iota // more came than could be shipped, and memory is bounded
	SpoolFull                // the spool on disk has reached its cap
	SpoolError               // the disk failed
	TooLarge                 // the record exceeds what one message may carry
	reasons
)

var reasonNames = [reasons]string{"queue_full", "spool_full", "spool_error", "too_large"}

// String is the reason's name in metrics and accounting.
func (r Reason) String() string { return reasonNames[r] }

// Reasons lists every reason.
func Reasons() []Reason { return []Reason{QueueFull, SpoolFull, SpoolError, TooLarge} }

// Counts say what became of the exchanges since this run began.
// Seen = Stored + Sampled + Pending + the sum of Dropped, at any time.
type Counts struct {
	Seen, Stored, Sampled, Pending uint64
	Dropped                        [reasons]uint64
	Recovered                      uint64 // of an earlier run, acknowledged by now; not part of Seen
	LostParts                      uint64 // stretches of bodies that were not recorded for want of memory or disk; not part of Seen
}

// Ledger counts. Each change keeps the sum, so every reader sees it hold.
type Ledger struct {
	mu sync.Mutex
	c  Counts
}

// Counts returns a consistent copy.
func (l *Ledger) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.c
}

func (l *Ledger) change(f func(c *Counts)) {
	l.mu.Lock()
	f(&l.c)
	l.mu.Unlock()
}

// SawSampled counts an exchange that the sample rate leaves out.
func (l *Ledger) SawSampled() { l.change(func(c *Counts) { c.Seen++; c.Sampled++ }) }

// SawPending counts an exchange that waits to be shipped.
func (l *Ledger) SawPending() { l.change(func(c *Counts) { c.Seen++; c.Pending++ }) }

// Stored moves n from pending to stored.
func (l *Ledger) Stored(n uint64) { l.change(func(c *Counts) { c.Pending -= n; c.Stored += n }) }

// Dropped moves n from pending to dropped.
func (l *Ledger) Dropped(r Reason, n uint64) {
	l.change(func(c *Counts) { c.Pending -= n; c.Dropped[r] += n })
}

// Recovered counts n exchanges of an earlier run that are stored now.
func (l *Ledger) Recovered(n uint64) { l.change(func(c *Counts) { c.Recovered += n }) }

// LostPart counts a body of which the rest is not recorded.
func (l *Ledger) LostPart() { l.change(func(c *Counts) { c.LostParts++ }) }

// Report is the counts as capture takes them.
func (c Counts) Report(proxyID string, at time.Time) *capturev1.ProxyAccounting {
	out := &capturev1.ProxyAccounting{
		ProxyId: proxyID, Seen: c.Seen, Stored: c.Stored, Sampled: c.Sampled, Pending: c.Pending,
		Recovered: c.Recovered, Dropped: map[string]uint64{}, ReportedAt: timestamppb.New(at),
	}
	for r, n := range c.Dropped {
		if n > 0 {
			out.Dropped[Reason(r).String()] = n
		}
	}
	return out
}
