package pipeline

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/upstream"
)

// serve answers the request: by the policy, by the upstream, or with a failure.
func (x *exchange) serve() {
	if f := x.find(); f != nil {
		x.fail(f)
		return
	}
	dropConnectionFields(&x.req.Header)
	out, err := x.requestPhase()
	switch {
	case err != nil:
		x.gone(err)
	case out != nil:
		x.answer(out)
	case x.endpoint.Upstream == nil:
		x.fail(&answer.Failure{Status: 500, Code: answer.CodeNoUpstream,
			Message: "the endpoint has no upstream and its Traffic Policy did not answer this request"})
	default:
		x.forward()
	}
}

// find looks the endpoint up. The failure says what to answer without one.
func (x *exchange) find() *answer.Failure {
	if x.req.Method == http.MethodConnect {
		return &answer.Failure{Status: 405, Code: answer.CodeMethod, Message: "CONNECT is not served: this is a gateway, not a forward proxy"}
	}
	if x.state == nil {
		return &answer.Failure{Status: 503, Code: answer.CodeUnservable, Message: "the proxy has no configuration yet; try again in a moment"}
	}
	e, ok := x.state.Routes.Find(x.scheme, x.host, portText(x.conn.ServerAddr.Port()))
	if !ok {
		return &answer.Failure{Status: 404, Code: answer.CodeNoEndpoint,
			Message: fmt.Sprintf("no endpoint is published at %s://%s; create one with this URL, or check the host and the scheme of the request", x.scheme, x.host)}
	}
	x.endpoint = e
	if x.record != nil {
		x.record.Endpoint, x.record.PolicyRevision = &e.Endpoint, e.Revision
	}
	if e.Fault != "" {
		if x.said.faulty.again() {
			x.log.Warn("a request met an endpoint that cannot serve", "endpoint", e.ID, "fault", e.Fault)
		}
		return &answer.Failure{Status: 503, Code: answer.CodeUnservable, Message: "the endpoint's configuration cannot be used by this proxy; its log says why"}
	}
	return nil
}

// forward sends the request on and the response back.
func (x *exchange) forward() {
	if x.loops() {
		x.fail(&answer.Failure{Status: 508, Code: answer.CodeLoop, Message: "the endpoint's upstream leads back to the endpoint itself"})
		return
	}
	x.setForwarded()
	res, call, err := x.pool.Do(x.ctx, x.endpoint.Upstream, x.req, x.informational)
	x.noteCall(call)
	if err != nil {
		x.upstreamFailed(err)
		return
	}
	x.restoreLocation(res)
	if res.Status == http.StatusSwitchingProtocols {
		x.upgrade(res)
		return
	}
	x.respondThroughPolicy(res)
}

func (x *exchange) noteCall(call upstream.Call) {
	if x.record != nil {
		x.record.UpstreamAddress, x.record.UpstreamReused, x.record.UpstreamSent = call.Address, call.Reused, call.Sent
	}
}

func (x *exchange) informational(status int, h message.Header) {
	stripOwned(&h)
	if err := x.to.Informational(status, h); err != nil {
		x.log.Debug("an informational response was not sent", "exchange", x.id, "error", err)
	}
}

func (x *exchange) upstreamFailed(err error) {
	var f *upstream.CallError
	if !errors.As(err, &f) {
		x.gone(err)
		return
	}
	x.log.Debug("the upstream failed", "exchange", x.id, "endpoint", x.endpoint.ID, "error", x.hidden(err))
	x.fail(&f.Failure)
}

// gone ends an exchange whose client is not there any more: nothing is answered.
func (x *exchange) gone(err error) {
	x.log.Debug("the client went away", "exchange", x.id, "error", err)
	x.record.Fail(answer.CodeClientGone, "the client went away before the response")
	x.cut = true
}

// fail answers with the gateway's own error.
func (x *exchange) fail(f *answer.Failure) {
	x.record.Fail(f.Code, f.Message)
	x.send(f.Response(x.req, x.id), f.Code)
}

// respondThroughPolicy runs the response phase on res and sends what comes out.
func (x *exchange) respondThroughPolicy(res *message.Response) {
	out, err := x.responsePhase(res)
	switch {
	case err != nil:
		_ = res.Body.Close() // nobody will read it
		x.gone(err)
	case out != nil:
		_ = res.Body.Close() // replaced
		x.answerOutcome(out)
	default:
		x.send(res, "")
	}
}

// answer sends what the request phase decided.
func (x *exchange) answer(out *trafficpolicy.Outcome) {
	x.noteOutcome(out)
	if out.Response == nil || !out.RunResponsePhase || out.ErrorCode != "" {
		x.answerOutcome(out)
		return
	}
	x.respondThroughPolicy(out.Response)
}

func (x *exchange) send(res *message.Response, code string) {
	stripOwned(&res.Header)
	res.Header.Add(answer.HeaderExchangeID, x.id)
	if code != "" {
		res.Header.Add(answer.HeaderErrorCode, code)
	}
	if res.Body == nil {
		res.Body, res.ContentLength = http.NoBody, 0
	}
	x.status = res.Status
	x.record.Respond(res)
	x.sent(x.to.Respond(res, streams(res)))
}

// sent judges how sending ended.
func (x *exchange) sent(err error) {
	var broken *BodyError
	switch {
	case err == nil:
		return
	case errors.As(err, &broken) && x.ctx.Err() == nil:
		x.record.Fail(answer.CodeBadResponse, "the response body broke off: the upstream ended it early")
		x.log.Debug("a response body broke off", "exchange", x.id, "error", broken.Cause)
	default:
		x.record.Fail(answer.CodeClientGone, "the client went away during the response")
	}
	x.cut = true
}

// streams reports whether parts of the body must reach the client as they come:
// events, and whatever does not say how long it is.
func streams(res *message.Response) bool { return res.ContentLength < 0 }

func (x *exchange) upgrade(res *message.Response) {
	stream, ok := res.Body.(readWriteCloser)
	if !ok || !upstream.IsUpgrade(x.req.Header) {
		_ = res.Body.Close() // the connection is of no use
		x.fail(&answer.Failure{Status: 502, Code: answer.CodeBadResponse, Message: "the upstream switched protocols without being asked to"})
		return
	}
	out, err := x.responsePhase(res)
	if err != nil || out != nil {
		_ = stream.Close() // the policy does not let it happen
		if err != nil {
			x.gone(err)
			return
		}
		x.answerOutcome(out)
		return
	}
	stripOwned(&res.Header)
	res.Header.Add(answer.HeaderExchangeID, x.id)
	x.status = res.Status
	began := time.Now()
	if err := x.to.Upgrade(res, x.record.Upgrade(res, stream)); err != nil {
		x.log.Debug("an upgraded connection broke", "exchange", x.id, "after", time.Since(began), "error", err)
	}
}
