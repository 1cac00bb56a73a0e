// Package lifecycle runs the parts of a process: it starts them in the order
// written and stops them in reverse, so that each part drains into parts that
// still live.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Part is something that runs until its context ends. Run returns nil after a
// clean stop; returning before the context ends stops the whole group.
type Part interface {
	Run(ctx context.Context) error
}

// Func makes a function a Part.
type Func func(ctx context.Context) error

// Run calls f.
func (f Func) Run(ctx context.Context) error { return f(ctx) }

type running struct {
	stop context.CancelFunc
	done chan error
}

// Run starts parts in order and waits until ctx ends or one part returns. Then it
// stops them one after another, last first, giving each at most drain to return.
// The error tells of every part that failed or did not stop in time.
func Run(ctx context.Context, drain time.Duration, parts ...Part) error {
	ended := make(chan error, len(parts))
	group := make([]running, len(parts))
	for i, p := range parts {
		group[i] = start(ctx, p, ended)
	}
	var first error
	select {
	case <-ctx.Done():
	case first = <-ended:
	}
	errs := []error{first}
	for i := len(group) - 1; i >= 0; i-- {
		errs = append(errs, group[i].shut(drain, i))
	}
	return errors.Join(errs...)
}

// start runs p on a context of its own, so that the end of ctx does not stop all
// parts at the same moment.
func start(ctx context.Context, p Part, ended chan<- error) running {
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := running{stop: stop, done: make(chan error, 1)}
	go func() {
		err := p.Run(own)
		select {
		case <-own.Done():
			r.done <- err
		default: // returned by itself
			r.done <- nil
			if err == nil {
				err = fmt.Errorf("%T stopped by itself", p)
			}
			ended <- err
		}
	}()
	return r
}

func (r running) shut(drain time.Duration, i int) error {
	r.stop()
	timer := time.NewTimer(drain)
	defer timer.Stop()
	select {
	case err := <-r.done:
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	case <-timer.C:
		return fmt.Errorf("part %d did not stop within %s", i, drain)
	}
}
