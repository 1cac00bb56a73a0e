package delivery

import (
	"context"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/events/internal/event"
	"sluice.dev/services/events/internal/sender"
)

// idleCommit is how often a position is stored that moved past nothing to send.
const idleCommit = 5 * time.Second

// entry is a record on its way.
type entry struct {
	record sender.Record
	// position may be stored once this entry and all before it are settled; empty
	// within a chunk.
	position string
	refusal  string // why it is not even tried; empty: it is
}

// queue collects entries for the next batch.
type queue struct {
	encode  func(event.Event) (sender.Record, error)
	choose  event.Selection
	account string
	limits  sender.Limits

	entries []entry
	moved   string // position past nothing to send
}

func (q *queue) add(c chunk) {
	for _, ex := range c.exchanges {
		q.entries = append(q.entries, q.entry(ex))
	}
	if n := len(q.entries); n > 0 {
		q.entries[n-1].position = c.position
	} else {
		q.moved = c.position
	}
}

func (q *queue) entry(ex *capturev1.Exchange) entry {
	e := q.choose.Event(ex, q.account)
	record, err := q.encode(e)
	switch {
	case err != nil:
		return entry{record: sender.Record{Event: e}, refusal: err.Error()}
	case len(record.Body) > q.limits.Record:
		return entry{record: record, refusal: "the event is larger than the destination takes"}
	}
	return entry{record: record}
}

// next waits for entries and returns as many as one request takes. It returns
// none when idleCommit passed while the position moved, or when ctx ended.
func (q *queue) next(ctx context.Context, in <-chan chunk) []entry {
	if !q.first(ctx, in) {
		return nil
	}
	linger := time.NewTimer(q.limits.Linger)
	defer linger.Stop()
	for q.limits.Linger > 0 && q.fits() == len(q.entries) {
		select {
		case c := <-in:
			q.add(c)
			continue
		case <-linger.C:
		case <-ctx.Done():
			return nil
		}
		break
	}
	n := q.fits()
	batch := q.entries[:n:n]
	q.entries = q.entries[n:]
	return batch
}

// first waits until there is an entry.
func (q *queue) first(ctx context.Context, in <-chan chunk) bool {
	var idle <-chan time.Time
	for len(q.entries) == 0 {
		if q.moved != "" && idle == nil {
			idle = time.After(idleCommit)
		}
		select {
		case c := <-in:
			q.add(c)
		case <-idle:
			return false
		case <-ctx.Done():
			return false
		}
	}
	q.moved = ""
	return true
}

// fits is how many entries one request takes.
func (q *queue) fits() int {
	size := 0
	for i, e := range q.entries {
		size += len(e.record.Body) + 1
		if i == q.limits.Records || i > 0 && size > q.limits.Bytes {
			return i
		}
	}
	return len(q.entries)
}
