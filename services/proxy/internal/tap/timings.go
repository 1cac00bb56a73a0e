package tap

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/redact"
)

// times are the timings of one record, in one piece of memory.
type times struct {
	message capturev1.Timings
	all     [9]durationpb.Duration
	used    int
}

func (t *times) of(d time.Duration) *durationpb.Duration {
	out := &t.all[t.used]
	t.used++
	out.Seconds, out.Nanos = int64(d/time.Second), int32(d%time.Second) // #nosec G115 -- below a billion
	return out
}

// positive leaves out what was not measured.
func (t *times) positive(d time.Duration) *durationpb.Duration {
	if d <= 0 {
		return nil
	}
	return t.of(d)
}

func (r *Recording) timings() *capturev1.Timings {
	m := &times{}
	t := &m.message
	t.Duration, t.RequestReceived = m.of(r.end.Sub(r.start)), r.requestReceived(m)
	t.Policy = m.positive(r.PolicyTime)
	if r.response {
		t.FirstByte = m.of(r.firstByte.Sub(r.start))
	}
	up := &r.Upstream
	if !up.Sent.IsZero() {
		t.Upstream = m.of(r.upstreamEnd().Sub(up.Sent))
		t.UpstreamStart = m.of(up.Sent.Sub(r.start))
	}
	t.Connect, t.TlsHandshake, t.UpstreamFirstByte = m.positive(up.Connect), m.positive(up.TLSHandshake), m.positive(up.FirstByte)
	return t
}

// requestReceived is nil when the body was not read to its end.
func (r *Recording) requestReceived(m *times) *durationpb.Duration {
	switch {
	case !r.hasBody:
		return m.of(0)
	case r.reqBody.done.IsZero():
		return nil
	}
	return m.of(r.reqBody.done.Sub(r.start))
}

// upstreamEnd is when the response was complete, or when the exchange ended.
func (r *Recording) upstreamEnd() time.Time {
	if done := r.resBody.done; !done.IsZero() {
		return done
	}
	return r.end
}

func (r *Recording) upstream() *capturev1.UpstreamCall {
	up := &r.Upstream
	if up.Address == "" {
		return nil
	}
	out := &capturev1.UpstreamCall{Address: up.Address, ConnectionReused: up.Reused, HttpVersion: up.Proto}
	for _, a := range up.Failed {
		out.FailedAttempts = append(out.FailedAttempts, &capturev1.UpstreamAttempt{
			Address: a.Address, Offset: durationpb.New(a.Sent.Sub(r.start)), Duration: durationpb.New(a.Duration),
			StatusCode: uint32(a.Status), Error: text(redact.URL(a.Error)), // #nosec G115 -- a status has three digits
		})
	}
	return out
}
