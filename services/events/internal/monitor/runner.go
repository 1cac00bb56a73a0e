package monitor

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/lease"
)

// queryLimit bounds one question to capture.
const queryLimit = 10 * time.Second

// runner evaluates one monitor.
type runner struct {
	*Evaluator
	monitor *eventsv1.Monitor
	token   int64
	log     *slog.Logger
}

// run evaluates at once and then every so often while ctx runs. Evaluations that
// were missed are not made up for.
func (r *runner) run(ctx context.Context) {
	every := r.monitor.GetEvery().AsDuration()
	next := time.Now()
	for ctx.Err() == nil {
		if err := r.step(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, lease.ErrLost) {
			r.log.WarnContext(ctx, "an evaluation could not be stored; the next one goes on from the state before", "error", err)
		}
		if r.monitor.GetDisabled() {
			return
		}
		if next = next.Add(every); next.Before(time.Now()) {
			next = time.Now().Add(every)
		}
		sleep(ctx, time.Until(next))
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// step is one evaluation, from the stored state to the next one.
func (r *runner) step(ctx context.Context) error {
	v, err := r.store.load(ctx, r.monitor.GetId())
	if err != nil {
		return err
	}
	reason := "monitor changed"
	if r.monitor.GetDisabled() {
		reason = "monitor disabled"
	}
	before := v.State
	asked, change := v.Ask(Question(r.monitor), r.clock.Now(), reason)
	v.State = asked
	if change != nil || before.Question != asked.Question {
		if err := r.save(ctx, &v, change); err != nil {
			return err
		}
	}
	if r.monitor.GetDisabled() {
		return nil
	}
	value, err := r.ask(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now := r.clock.Now()
	if err != nil {
		r.evaluations.WithLabelValues("failed").Inc()
		r.log.WarnContext(ctx, "a monitor could not be evaluated; its state stays", "error", err)
		v.State, change = v.Fail(reasonOf(err), now), nil
	} else {
		r.evaluations.WithLabelValues("ok").Inc()
		v.State, change = v.Evaluate(RuleOf(r.monitor), value, now)
	}
	return r.save(ctx, &v, change)
}

// reasonOf is the part of an error that people may see.
func reasonOf(err error) string {
	if e := errs.As(err); e != nil {
		return e.Message
	}
	return err.Error()
}

// ask counts the exchanges of the window.
func (r *runner) ask(ctx context.Context) (float64, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	end := r.clock.Now().Add(-r.delay)
	began := time.Now()
	answer, err := r.capture.AggregateExchanges(ctx, &capturev1.AggregateExchangesRequest{
		Filter: r.monitor.GetFilter(), Aggregation: capturev1.Aggregation_AGGREGATION_COUNT,
		StartTime: timestamppb.New(end.Add(-r.monitor.GetWindow().AsDuration())), EndTime: timestamppb.New(end),
	})
	r.seconds.Observe(time.Since(began).Seconds())
	if err != nil {
		return 0, err
	}
	if len(answer.GetSeries()) == 0 { // nothing matched: none is a count too
		return 0, nil
	}
	return answer.GetSeries()[0].GetValue(), nil
}

// save stores a state, and with a change its transition and notifications.
func (r *runner) save(ctx context.Context, v *versioned, change *Change) error {
	if change == nil {
		return r.store.commit(ctx, r.token, r.monitor.GetId(), v, nil, nil)
	}
	channels, err := r.channels.AllChannels(ctx)
	if err != nil {
		return err
	}
	t, items := r.composer.record(r.monitor, &v.State, *change, channels)
	if err := r.store.commit(ctx, r.token, r.monitor.GetId(), v, t, items); err != nil {
		return err
	}
	r.log.InfoContext(ctx, "a monitor changed its state", "from", change.From, "to", change.To, "value", change.Value, "notifications", len(items))
	if len(items) > 0 {
		r.wake()
	}
	return nil
}
