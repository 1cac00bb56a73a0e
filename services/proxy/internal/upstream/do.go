package upstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/http1/transport"
)

// Do sends req to one of u's targets, and to others when u's rules say so, and
// returns the response once its head is there; its Body must be closed. Hop-by-hop
// fields of both are dropped. With status 101 the Body is an io.ReadWriteCloser to
// the target. The error is a *CallError, or wraps ErrClientGone. req's Body may be
// another one afterwards, and must not be closed before the response's.
func (p *Pool) Do(ctx context.Context, u *Upstream, req *message.Request, from Caller) (*message.Response, Call, error) {
	a := attempts{pool: p, upstream: u, req: req}
	if u.retry != nil {
		u.retry.budget.request(p.clock.Now())
	}
	for {
		i, err := a.pick(ctx, from)
		if err != nil {
			return nil, Call{Failed: a.failed}, err
		}
		res, call, err := a.try(ctx, i, from)
		if reason := a.again(ctx, res, call, err); reason != noReason {
			u.release(i)
			a.fail(reason, res, call, err)
			continue
		}
		call.Failed = a.failed
		if err != nil {
			u.release(i)
			return nil, call, err
		}
		u.hold(i, res)
		return res, call, nil
	}
}

// timeouts are u's, or the pool's.
func (p *Pool) timeouts(u *Upstream) transport.Timeouts {
	t := u.timeouts
	for _, f := range []struct{ own, other *time.Duration }{
		{&t.Connect, &p.cfg.Timeouts.Connect}, {&t.FirstByte, &p.cfg.Timeouts.FirstByte}, {&t.Pause, &p.cfg.Timeouts.Pause},
	} {
		if *f.own == 0 {
			*f.own = *f.other
		}
	}
	return t
}

// attempts are the calls made for one request.
type attempts struct {
	pool     *Pool
	upstream *Upstream
	req      *message.Request
	tried    set
	failed   []Attempt
	kept     *KeptBody
}

// pick takes the next target; one that failed before gets a moment.
func (a *attempts) pick(ctx context.Context, from Caller) (int, error) {
	u := a.upstream
	var now time.Time
	if u.balancer != nil {
		now = a.pool.clock.Now()
	}
	i := u.pick(from.Client, now, &a.tried)
	if i < 0 {
		a.pool.metrics.overload.WithLabelValues(u.endpoint).Inc()
		return 0, u.overloaded()
	}
	if a.tried.has(i) && !pause(ctx, len(a.failed)-1) {
		u.release(i)
		return 0, fmt.Errorf("%w: %w", ErrClientGone, context.Cause(ctx))
	}
	a.tried.add(i)
	return i, nil
}

func (u *Upstream) overloaded() error {
	return &CallError{
		Failure: answer.Failure{Status: 503, Code: answer.CodeOverload, Message: fmt.Sprintf("every target of the upstream serves the %d requests that it may; try again in a moment", u.maxRequests)},
		cause:   errors.New("max_requests"),
	}
}

// try calls the i-th target.
func (a *attempts) try(ctx context.Context, i int, from Caller) (*message.Response, Call, error) {
	p, u := a.pool, a.upstream
	if u.retry != nil && len(a.failed) < u.retry.attempts {
		a.kept = KeepBody(a.req)
	}
	m := u.members[i]
	res, call, err := p.call(ctx, u, m, a.req, from)
	if u.outliers != nil && !errors.Is(err, ErrClientGone) {
		if u.judge(i, failing(res, err), p.clock.Now()) {
			p.metrics.ejections.WithLabelValues(u.endpoint, m.String()).Inc()
			p.log.Warn("a target keeps failing requests and is left out for a while", "endpoint", u.endpoint, "target", m.String(), "until", time.Unix(0, m.ejectedUntil.Load()))
		}
	}
	return res, call, err
}

// failing reports whether a call went wrong through its target's fault.
func failing(res *message.Response, err error) bool {
	var f *CallError
	if errors.As(err, &f) {
		return !f.unsendable
	}
	return res != nil && (res.Status == 502 || res.Status == 503 || res.Status == 504)
}

// again is why the request is to be sent once more; noReason when it is not.
func (a *attempts) again(ctx context.Context, res *message.Response, call Call, err error) string {
	r := a.upstream.retry
	if r == nil || len(a.failed) >= r.attempts || ctx.Err() != nil {
		return noReason
	}
	reason := r.reason(a.req, res, err, call.begun)
	if reason == noReason || !a.kept.whole() {
		return noReason
	}
	if !r.budget.take(a.pool.clock.Now(), r.percent) {
		a.pool.metrics.exhausted.WithLabelValues(a.upstream.endpoint).Inc()
		return noReason
	}
	if !a.kept.Restore(a.req) {
		return noReason
	}
	return reason
}

// fail notes the attempt and lets go of its response.
func (a *attempts) fail(reason string, res *message.Response, call Call, err error) {
	a.pool.metrics.retries.WithLabelValues(a.upstream.endpoint, reason).Inc()
	attempt := Attempt{Address: call.Address, Sent: call.Sent, Duration: time.Since(call.Sent)}
	var f *CallError
	if errors.As(err, &f) {
		attempt.Error = f.Message
	}
	if res != nil {
		attempt.Status = res.Status
		discard(res)
	}
	a.failed = append(a.failed, attempt)
}

// discard drops a response. Its connection can serve again when the body is there.
func discard(res *message.Response) {
	const small = 16 << 10
	if body, ok := res.Body.(interface {
		Ready() bool
		Drain(limit int64) bool
	}); ok && res.ContentLength >= 0 && res.ContentLength <= small && body.Ready() {
		body.Drain(small)
	}
	_ = res.Body.Close() // nobody reads it
}
