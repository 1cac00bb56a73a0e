package pipeline

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/control"
)

// internalOnly reports whether only other endpoints' policies may reach e.
func internalOnly(e *control.Endpoint) bool { return strings.HasSuffix(e.Host, ".internal") }

// askInternal has the internal endpoint answer that a policy forwards to.
func (x *exchange) askInternal(to *trafficpolicy.Forward) (reply, error) {
	e, ok := x.state.Routes.Find(to.Scheme, net.JoinHostPort(to.Host, strconv.Itoa(to.Port)), "")
	if !ok || !internalOnly(e) {
		return reply{failure: &answer.Failure{Status: 404, Code: answer.CodeNoEndpoint,
			Message: fmt.Sprintf("the endpoint forwards to %s, and no endpoint is published there", to.URL)}}, nil
	}
	if f := x.unservable(e); f != nil {
		return reply{failure: f}, nil
	}
	if x.record != nil {
		x.record.Upstream.Address = e.URL
	}
	l := &leg{endpoint: e, hops: to.Hops}
	x.inner = append(x.inner, l)
	r, err := x.ask(l)
	if err == nil && r.res == nil && r.failure == nil { // closed: to us that is no answer
		r.failure = &answer.Failure{Status: 502, Code: string(trafficpolicy.CodeConnectionClosed), Message: fmt.Sprintf("the internal endpoint %s closed the connection", to.URL)}
	}
	return r, err
}

// forwardFailed goes on after the forward-internal action of phase; nil is: to the
// upstream.
func (x *exchange) forwardFailed(l *leg, phase trafficpolicy.Phase, f *answer.Failure) (*trafficpolicy.Outcome, error) {
	defer x.clock(time.Now())
	out, err := l.run.ForwardFailed(x.ctx, trafficpolicy.ForwardFailure{Code: trafficpolicy.Code(f.Code), Status: f.Status, Message: f.Message})
	if out == nil && err == nil && phase == trafficpolicy.OnTCPConnect {
		return l.run.OnRequest(x.ctx)
	}
	return out, err
}

// refusesFor reports whether out only tells that f ended a forward, with
// on_error: halt.
func refusesFor(out *trafficpolicy.Outcome, f *answer.Failure) bool {
	return out != nil && out.Action == "forward-internal" && string(out.ErrorCode) == f.Code
}
