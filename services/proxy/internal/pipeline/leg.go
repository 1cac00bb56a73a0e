package pipeline

import (
	"io"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/control"
)

type readWriteCloser = io.ReadWriteCloser

// leg is one endpoint's part in an exchange: that of the endpoint which the client
// asked, or of an internal one which the request was forwarded to.
type leg struct {
	endpoint *control.Endpoint
	run      *trafficpolicy.Run // nil when the policy has nothing to do
	hops     int                // forwards that led here
	called   bool               // a policy asks it; its answer is not the client's
}

// reply is what came of a leg. Without a response and a failure the connection is
// closed.
type reply struct {
	res     *message.Response
	stream  readWriteCloser // to the upstream, when res switches protocols
	code    string          // of a refusal; else ""
	message string          // of the same
	failure *answer.Failure // nobody answered
}

// ask runs l's policy and has whom it decides on answer: the policy itself, an
// internal endpoint, or the upstream. The error says that the client went away.
func (x *exchange) ask(l *leg) (reply, error) {
	out, err := x.requestPhase(l)
	for err == nil && out != nil && out.Forward != nil {
		x.noteOutcome(l, out)
		r, gone := x.askInternal(out.Forward)
		if gone != nil {
			return reply{}, gone
		}
		if r.failure == nil {
			return x.throughPolicy(l, r)
		}
		if !x.body.Restore(x.req) {
			return r, nil // there is nothing left that others could be sent
		}
		if out, err = x.forwardFailed(l, out.Phase, r.failure); refusesFor(out, r.failure) {
			return r, err // with on_error: halt
		}
	}
	switch {
	case err != nil:
		return reply{}, err
	case out != nil:
		return x.decided(l, out)
	}
	return x.askUpstream(l)
}

// askUpstream sends the request on and takes the response through l's policy.
func (x *exchange) askUpstream(l *leg) (reply, error) {
	if l.endpoint.Upstream == nil {
		return reply{failure: &answer.Failure{Status: 500, Code: answer.CodeNoUpstream,
			Message: "the endpoint has no upstream and its Traffic Policy did not answer this request"}}, nil
	}
	r, err := x.call(l)
	if err != nil || r.failure != nil {
		return r, err
	}
	return x.throughPolicy(l, r)
}

// decided is what the request phase answers.
func (x *exchange) decided(l *leg, out *trafficpolicy.Outcome) (reply, error) {
	if out.Response == nil || !out.RunResponsePhase || out.ErrorCode != "" {
		return x.outcome(l, out), nil
	}
	x.noteOutcome(l, out)
	return x.throughPolicy(l, reply{res: out.Response})
}

// throughPolicy runs l's response phase on r.
func (x *exchange) throughPolicy(l *leg, r reply) (reply, error) {
	if r.res == nil || l.run == nil || !l.endpoint.Policy.Has(trafficpolicy.OnHTTPResponse) {
		return r, nil
	}
	defer x.clock(time.Now())
	out, err := l.run.OnResponse(x.ctx, r.res)
	if err == nil && out == nil {
		return r, nil
	}
	_ = r.res.Body.Close() // nobody will read it
	if r.stream != nil {
		_ = r.stream.Close() // the policy does not let it happen
	}
	if err != nil {
		return reply{}, err
	}
	return x.outcome(l, out), nil
}
