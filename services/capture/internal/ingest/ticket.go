package ingest

import (
	"context"
	"errors"
	"sync"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/store"
)

// remembered is how many batches that are stored are kept in mind, so that one
// that is sent again costs nothing.
const remembered = 8192

var errNotHeld = errors.New("this process may not insert now: it could not renew its writer id in Redis")

// Ticket is a batch on its way into the log.
type Ticket struct {
	ID   string
	done chan struct{}
	err  error // valid when done is closed
}

// job is a batch with its ticket.
type job struct {
	*Ticket
	batch  *store.Batch
	weight int64
	since  time.Time // when it was taken
	last   uint64    // its last sequence number
}

// Done is closed when the batch is durable and published, or given up.
func (t *Ticket) Done() <-chan struct{} { return t.done }

// Err is nil when the batch is durable; valid after Done.
func (t *Ticket) Err() error { return t.err }

// Submit puts a batch in the queue. It blocks while the queue is full, which in
// turn makes the proxy wait. A batch that is on its way already, or was stored
// lately, gets the ticket that it had.
func (c *Committer) Submit(ctx context.Context, b *capturev1.Batch) (*Ticket, error) {
	t, isNew := c.tickets.open(b.GetId())
	if !isNew {
		c.metrics.duplicates.Inc()
		return t, nil
	}
	if len(b.GetExchanges())+len(b.GetBodyParts()) == 0 {
		c.tickets.finish(t, nil)
		return t, nil
	}
	c.labels.Label(b.GetExchanges())
	j := &job{Ticket: t, batch: store.NewBatch(b), since: c.clock.Now()}
	j.weight = min(int64(j.batch.Size), c.budget)
	if err := c.enqueue(ctx, j); err != nil {
		c.tickets.finish(t, err)
		return nil, err
	}
	return t, nil
}

func (c *Committer) enqueue(ctx context.Context, j *job) error {
	if err := c.memory.Acquire(ctx, j.weight); err != nil {
		return err
	}
	select {
	case c.queue <- j:
		c.metrics.queued(1, j.weight)
		return nil
	case <-ctx.Done():
		c.memory.Release(j.weight)
		return ctx.Err()
	}
}

// tickets are those on their way and the last ones that arrived.
type tickets struct {
	mu     sync.Mutex
	byID   map[string]*Ticket
	stored []string // a ring
	next   int
}

func newTickets() *tickets {
	return &tickets{byID: map[string]*Ticket{}, stored: make([]string, remembered)}
}

func (all *tickets) open(id string) (t *Ticket, isNew bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if t := all.byID[id]; t != nil {
		return t, false
	}
	t = &Ticket{ID: id, done: make(chan struct{})}
	all.byID[id] = t
	return t, true
}

// finish ends t. One that failed is forgotten, so that it can be sent again.
func (all *tickets) finish(t *Ticket, err error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	select {
	case <-t.done:
		return
	default:
	}
	t.err = err
	close(t.done)
	if err != nil {
		delete(all.byID, t.ID)
		return
	}
	delete(all.byID, all.stored[all.next])
	all.stored[all.next] = t.ID
	all.next = (all.next + 1) % remembered
}

func (all *tickets) failAll(err error) {
	all.mu.Lock()
	var open []*Ticket
	for _, t := range all.byID {
		select {
		case <-t.done:
		default:
			open = append(open, t)
		}
	}
	all.mu.Unlock()
	for _, t := range open {
		all.finish(t, err)
	}
}
