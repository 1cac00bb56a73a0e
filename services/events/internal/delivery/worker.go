package delivery

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sluice.dev/services/events/internal/event"
	"sluice.dev/services/events/internal/lease"
	"sluice.dev/services/events/internal/sender"
)

// Waits between attempts.
const (
	retryFirst = time.Second
	retryMost  = 5 * time.Minute
	// probeLeast is how long a destination is left alone that needs a person.
	probeLeast = 15 * time.Second
	// grace is how long an attempt may go on when delivery is to stop.
	grace = 4 * time.Second
)

// worker delivers one subscription's events to one destination.
type worker struct {
	at       pair
	progress *Progress
	reader   reader
	sender   sender.Sender
	choose   event.Selection
	account  string
	since    time.Time // where to begin when nothing is known
	log      *slog.Logger
	metrics  *metrics

	retry, storeRetry backoff
	probe             time.Duration
}

// run delivers while ctx runs, which must not be longer than the lease whose token
// is given.
func (w *worker) run(ctx context.Context, token int64) {
	begin, err := w.progress.resume(ctx, w.at)
	if errors.Is(err, errGone) { // never begun, or its beginning was lost
		begin = start{since: w.since}
		err = w.progress.create(ctx, w.at, begin)
	}
	if err != nil {
		w.ended(ctx, err)
		return
	}
	ctx, stop := context.WithCancel(ctx)
	in := make(chan chunk, 2)
	var reading sync.WaitGroup
	reading.Go(func() { w.reader.run(ctx, begin, in) })
	defer reading.Wait()
	defer stop()

	q := &queue{encode: w.sender.Encode, choose: w.choose, account: w.account, limits: w.sender.Limits()}
	for ctx.Err() == nil {
		batch := q.next(ctx, in)
		if len(batch) > 0 {
			err = w.deliver(ctx, token, batch)
		} else if q.moved != "" {
			err = w.store(ctx, token, settled{position: q.moved})
			q.moved = ""
		}
		if err != nil {
			w.ended(ctx, err)
			return
		}
	}
}

func (w *worker) ended(ctx context.Context, err error) {
	if ctx.Err() == nil && !errors.Is(err, errGone) {
		w.log.WarnContext(ctx, "a delivery stopped and will go on from its last position", "error", err)
	}
}

// deliver tries until every entry is delivered or refused for good. It fails only
// when ctx ends or the results cannot be stored.
func (w *worker) deliver(ctx context.Context, token int64, batch []entry) error {
	most := len(batch)
	for len(batch) > 0 {
		part := batch[:min(most, len(batch))]
		s, again, err := w.step(ctx, token, part)
		if err != nil {
			return err
		}
		batch = slices.Concat(again, batch[len(part):])
		if s.delivered > 0 {
			w.retry.reset()
		}
		switch {
		case s.halve:
			most = max(1, len(part)/2)
		case len(again) == 0:
			most *= 2
		}
		if len(again) == 0 || s.halve {
			continue
		}
		if err := w.pause(ctx, token, s); err != nil {
			return err
		}
	}
	return nil
}

// step makes one attempt and stores what it settled; it returns what is left. It
// may outlive ctx a little.
func (w *worker) step(ctx context.Context, token int64, part []entry) (settled, []entry, error) {
	longer, cancel := lease.Outlive(ctx, grace)
	defer cancel()
	verdicts := w.attempt(longer, part)
	if longer.Err() != nil {
		return settled{}, nil, longer.Err()
	}
	s, again := settle(part, verdicts)
	if err := w.store(longer, token, s); err != nil {
		return settled{}, nil, err
	}
	return s, again, ctx.Err()
}

// attempt sends the entries that may be sent, and returns a verdict for each.
func (w *worker) attempt(ctx context.Context, part []entry) []sender.Verdict {
	verdicts := make([]sender.Verdict, len(part))
	var records []sender.Record
	var places []int
	for i, e := range part {
		if e.refusal != "" {
			verdicts[i] = sender.Verdict{Kind: sender.Reject, Reason: e.refusal}
			continue
		}
		records, places = append(records, e.record), append(places, i)
	}
	if len(records) == 0 {
		return verdicts
	}
	began := time.Now()
	out := w.sender.Send(ctx, records)
	w.metrics.attempt(w.at, time.Since(began))
	for j, v := range out.Verdicts {
		verdicts[places[j]] = v
	}
	return verdicts
}

// pause waits before the entries that are left are tried again.
func (w *worker) pause(ctx context.Context, token int64, s settled) error {
	w.metrics.retried(w.at)
	w.log.WarnContext(ctx, "events wait for their destination", "reason", s.reason)
	if err := w.progress.fail(ctx, w.at, token, s.reason); errors.Is(err, lease.ErrLost) || errors.Is(err, errGone) {
		return err
	}
	atLeast := s.after
	if s.stuck {
		atLeast = max(atLeast, w.probe)
	}
	if !w.retry.wait(ctx, atLeast) {
		return ctx.Err()
	}
	return nil
}

// store keeps what was settled, through outages of Redis.
func (w *worker) store(ctx context.Context, token int64, s settled) error {
	if s.position == "" && s.delivered == 0 && len(s.refused) == 0 {
		return nil
	}
	for {
		err := w.progress.commit(ctx, w.at, token, s.position, s.delivered, s.refused)
		if err == nil {
			w.storeRetry.reset()
			w.metrics.settled(w.at, s)
			return nil
		}
		if errors.Is(err, lease.ErrLost) || errors.Is(err, errGone) || !w.storeRetry.wait(ctx, 0) {
			return err
		}
	}
}
