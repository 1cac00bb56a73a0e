package follow

import (
	"context"
	"maps"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	"sluice.dev/services/capture/internal/store"
)

const (
	// pace is the least time between two queries of a follower that has caught up:
	// batches that arrive meanwhile share one query.
	pace = 100 * time.Millisecond
	// readers bounds the queries of all followers at a time.
	readers = 4
	// retry is how often a follower asks while ClickHouse is away.
	retry = 500 * time.Millisecond
)

// Log reads stretches of the log.
type Log interface {
	Log(ctx context.Context, q store.LogQuery) ([]store.Entry, error)
	Tails(ctx context.Context) (map[string]uint64, error)
}

// Heads tells how far the log is committed.
type Heads interface {
	Heads() (map[string]uint64, <-chan struct{})
	Refresh(ctx context.Context) error
}

// Feed serves followers.
type Feed struct {
	log     Log
	heads   Heads
	slots   *semaphore.Weighted
	metrics *Metrics
}

// NewFeed returns a feed of the log.
func NewFeed(log Log, heads Heads, metrics *Metrics) *Feed {
	return &Feed{log: log, heads: heads, slots: semaphore.NewWeighted(readers), metrics: metrics}
}

// Options say what a follower wants.
type Options struct {
	Filter   *search.Query
	Position string // "": from now on; "0": from the oldest
	Batch    int    // entries of a page at most
	Bodies   bool
}

// Page is the next part of the log: entries that match, in order, and the
// position behind all that was read to find them.
type Page struct {
	Entries  []store.Entry
	Position string

	step step
}

// After is the position behind one of the entries.
func (p Page) After(e store.Entry) string { return p.step.after(e.Writer, e.Seq).String() }

// Follow calls send with page after page until ctx ends or send fails; while
// ClickHouse is away it waits. A page may have no entries. It reads only what is committed, so nothing appears behind a
// position later.
func (f *Feed) Follow(ctx context.Context, o Options, send func(Page) error) error {
	at, err := f.start(ctx, o.Position)
	if err != nil {
		return err
	}
	f.metrics.followers.Inc()
	defer f.metrics.followers.Dec()
	if o.Position == "" { // the follower is told at once where "now" is
		if err := send(Page{Position: at.String()}); err != nil {
			return err
		}
	}
	r := &reader{feed: f, options: o, at: at, window: window(firstWindow)}
	for {
		begin := time.Now()
		page, caughtUp, err := r.page(ctx)
		if err != nil {
			return err
		}
		f.metrics.sent(page.Entries, caughtUp)
		if err := send(page); err != nil {
			return err
		}
		if caughtUp && !sleep(ctx, pace-time.Since(begin)) {
			return ctx.Err()
		}
	}
}

// start is the position to begin at.
func (f *Feed) start(ctx context.Context, text string) (position, error) {
	if text != "" && text != oldest {
		return parsePosition(text)
	}
	if err := f.heads.Refresh(ctx); err != nil {
		return nil, errs.Unavailable("the end of the log is not known while Redis is away").Because(err)
	}
	if text == oldest {
		return position{}, nil
	}
	now, _ := f.heads.Heads()
	return now, nil
}

// reader is one follower.
type reader struct {
	feed    *Feed
	options Options
	at      position
	window  window
}

// page waits for the log to grow, if need be, and reads on.
func (r *reader) page(ctx context.Context) (p Page, caughtUp bool, err error) {
	for {
		heads, changed := r.feed.heads.Heads()
		if err := r.meet(ctx, heads); err != nil {
			if away(err) && sleep(ctx, retry) {
				continue
			}
			return p, false, err
		}
		step, caughtUp, ok := r.window.next(r.at, heads)
		if !ok {
			select {
			case <-ctx.Done():
				return p, false, ctx.Err()
			case <-changed:
			}
			continue
		}
		p, err := r.read(ctx, step)
		if away(err) && sleep(ctx, retry) {
			continue
		}
		if tooMuch(err) {
			var smaller bool
			if r.window, smaller = r.window.shrink(); smaller {
				continue
			}
		}
		r.at.prune(heads, time.Now())
		return p, caughtUp && len(p.Entries) < r.options.Batch, err
	}
}

// meet finds the beginning of the logs of writers that were not met before.
func (r *reader) meet(ctx context.Context, heads map[string]uint64) error {
	var tails map[string]uint64
	for writer, head := range heads {
		if r.at[writer] > 0 || head == 0 { // 0: the writer has stored nothing yet
			continue
		}
		if tails == nil {
			var err error
			if tails, err = r.feed.log.Tails(ctx); err != nil {
				return err
			}
			r.at = maps.Clone(r.at)
		}
		if tail, ok := tails[writer]; ok {
			r.at[writer] = tail
		} else {
			r.at[writer] = head // all of it is past its retention
		}
	}
	return nil
}

// read takes one step, or as much of it as the limit allows.
func (r *reader) read(ctx context.Context, s step) (p Page, err error) {
	if err := r.feed.slots.Acquire(ctx, 1); err != nil {
		return p, err
	}
	defer r.feed.slots.Release(1)
	limit := r.options.Batch
	entries, err := r.feed.log.Log(ctx, store.LogQuery{Spans: s.spans(), Filter: r.options.Filter, Limit: limit, Bodies: r.options.Bodies})
	if err != nil {
		return p, err
	}
	var last store.Entry
	r.at = s.to
	if len(entries) > 0 {
		last = entries[len(entries)-1]
	}
	if len(entries) >= limit {
		r.at = s.after(last.Writer, last.Seq)
	}
	r.window = r.window.fit(s, len(entries), limit, last.Seq)
	return Page{Entries: entries, Position: r.at.String(), step: s}, nil
}

// spans are the parts of the step that are not empty.
func (s step) spans() map[string]store.Span {
	spans := map[string]store.Span{}
	for writer, end := range s.to {
		if from := s.from[writer]; end > from {
			spans[writer] = store.Span{After: from, UpTo: end}
		}
	}
	return spans
}

// away reports whether ClickHouse may come back.
func away(err error) bool {
	e := errs.As(err)
	return e != nil && e.Code == codes.Unavailable
}

// tooMuch reports whether a smaller step may succeed.
func tooMuch(err error) bool {
	e := errs.As(err)
	return e != nil && (e.Code == codes.DeadlineExceeded || e.Code == codes.ResourceExhausted)
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
