package resource

import (
	"context"
	"errors"
	"time"

	"sluice.dev/platform/errs"
)

// Follow keeps what load reads up to date until ctx ends, through outages and
// restarts of Redis: load reads everything and returns the revision it is at, at
// the start and whenever changes may have been missed; apply gets each change
// after that. Both run in Follow's goroutine. It returns the error of ctx, or one
// of load or apply that trying again does not mend.
func (f *Feed) Follow(ctx context.Context, load func(context.Context) (revision uint64, err error), apply func(Record) error) error {
	wait := shortest
	for {
		revision, err := load(ctx)
		if err == nil {
			wait = shortest
			err = f.applyAll(ctx, revision, apply)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, ErrReload) && !errs.Is(err, errs.ReasonUnavailable) {
			return err
		}
		sleep(ctx, wait)
		wait = min(2*wait, longest)
	}
}

// Waits between attempts to reach Redis.
const (
	shortest = 50 * time.Millisecond
	longest  = 2 * time.Second
)

func (f *Feed) applyAll(ctx context.Context, after uint64, apply func(Record) error) error {
	for record, err := range f.Watch(ctx, after) {
		if err == nil {
			err = apply(record)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
