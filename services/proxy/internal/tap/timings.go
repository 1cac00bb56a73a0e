package tap

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/redact"
)

func (r *Recording) timings() *capturev1.Timings {
	t := &capturev1.Timings{Duration: durationpb.New(r.end.Sub(r.start)), RequestReceived: r.requestReceived()}
	if r.PolicyTime > 0 {
		t.Policy = durationpb.New(r.PolicyTime)
	}
	if r.response {
		t.FirstByte = durationpb.New(r.firstByte.Sub(r.start))
	}
	up := &r.Upstream
	if !up.Sent.IsZero() {
		t.Upstream = durationpb.New(r.upstreamEnd().Sub(up.Sent))
		t.UpstreamStart = durationpb.New(up.Sent.Sub(r.start))
	}
	t.Connect, t.TlsHandshake, t.UpstreamFirstByte = positive(up.Connect), positive(up.TLSHandshake), positive(up.FirstByte)
	return t
}

// requestReceived is nil when the body was not read to its end.
func (r *Recording) requestReceived() *durationpb.Duration {
	switch {
	case !r.hasBody:
		return &durationpb.Duration{}
	case r.reqBody.done.IsZero():
		return nil
	}
	return durationpb.New(r.reqBody.done.Sub(r.start))
}

// positive leaves out what was not measured.
func positive(d time.Duration) *durationpb.Duration {
	if d <= 0 {
		return nil
	}
	return durationpb.New(d)
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
