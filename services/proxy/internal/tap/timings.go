package tap

import (
	"time"

	"sluice.dev/platform/redact"
)

func (e *encoder) timings(field int) {
	r, up := e.r, &e.r.Upstream
	m := e.Open(field, 0)
	e.Duration(1, r.end.Sub(r.start))
	e.positive(2, r.PolicyTime)
	if !up.Sent.IsZero() {
		e.Duration(3, r.upstreamEnd().Sub(up.Sent))
	}
	if r.response {
		e.Duration(4, r.firstByte.Sub(r.start))
	}
	e.positive(5, up.Connect)
	e.positive(6, up.TLSHandshake)
	e.positive(7, up.FirstByte)
	switch done := r.reqBody.done; {
	case !r.hasBody:
		e.Duration(8, 0)
	case !done.IsZero(): // else it was not read to its end
		e.Duration(8, done.Sub(r.start))
	}
	if !up.Sent.IsZero() {
		e.Duration(9, up.Sent.Sub(r.start))
	}
	e.Close(m)
}

// positive leaves out what was not measured.
func (e *encoder) positive(field int, d time.Duration) {
	if d > 0 {
		e.Duration(field, d)
	}
}

// upstreamEnd is when the response was complete, or when the exchange ended.
func (r *Recording) upstreamEnd() time.Time {
	if done := r.resBody.done; !done.IsZero() {
		return done
	}
	return r.end
}

func (e *encoder) upstream(field int) {
	up := &e.r.Upstream
	if up.Address == "" {
		return
	}
	m := e.Open(field, 0)
	e.hidden(1, up.Address)
	e.Bool(2, up.Reused)
	e.hidden(3, up.Proto)
	for i := range up.Failed {
		e.attempt(4, &up.Failed[i])
	}
	e.Close(m)
}

// attempt appends a call that was tried again.
func (e *encoder) attempt(field int, a *UpstreamAttempt) {
	m := e.Open(field, 0)
	e.hidden(1, a.Address)
	e.Duration(2, a.Sent.Sub(e.r.start))
	e.Duration(3, a.Duration)
	e.Uint(4, uint64(a.Status)) // #nosec G115 -- a status has three digits
	e.hidden(5, text(redact.URL(a.Error)))
	e.Close(m)
}
