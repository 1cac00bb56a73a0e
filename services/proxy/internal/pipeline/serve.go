package pipeline

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/control"
	"sluice.dev/services/proxy/internal/http1"
	"sluice.dev/services/proxy/internal/tap"
	"sluice.dev/services/proxy/internal/upstream"
)

// serve answers the request: by the policy, by the upstream, or with a failure.
func (x *exchange) serve() {
	if f := x.find(); f != nil {
		x.fail(f)
		return
	}
	dropConnectionFields(&x.req.Header)
	r, err := x.ask(&x.leg)
	switch {
	case err != nil:
		if f := badBody(err); f != nil {
			x.fail(f)
			return
		}
		x.gone(err)
		return
	case r.failure != nil:
		x.fail(r.failure)
		return
	case r.code != "":
		x.record.Fail(r.code, r.message)
	}
	switch {
	case r.res == nil:
		x.cut = true // close: nothing is answered
	case r.stream != nil:
		x.upgrade(r.res, r.stream)
	default:
		x.send(r.res, r.code)
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
	if !ok || internalOnly(e) {
		return &answer.Failure{Status: 404, Code: answer.CodeNoEndpoint,
			Message: fmt.Sprintf("no endpoint is published at %s://%s; create one with this URL, or check the host and the scheme of the request", x.scheme, x.host)}
	}
	x.endpoint = e
	x.record.ForEndpoint(&e.Endpoint, e.Revision, e.Capture)
	if f := x.unsecured(e); f != nil {
		return f
	}
	return x.unservable(e)
}

// unsecured is why e cannot be asked on this connection: it was made for another name
// and is not secured as e's policy wants, or no longer. Nil when it is. A replay has
// no connection of its client's.
func (x *exchange) unsecured(e *control.Endpoint) *answer.Failure {
	t := e.Policy.TLS()
	if t == nil || x.cfg.TLS == nil || x.replayOf != "" || x.cfg.TLS.Met(x.ctx, x.peer, t) {
		return nil
	}
	return &answer.Failure{Status: http.StatusMisdirectedRequest, Code: answer.CodeMisdirected,
		Message: fmt.Sprintf("the connection is not secured as %s://%s wants; ask on a connection that was made for this name", x.scheme, x.host)}
}

// unservable is why e cannot be asked; nil when it can.
func (x *exchange) unservable(e *control.Endpoint) *answer.Failure {
	if e.Fault != "" {
		if x.said.faulty.again() {
			x.log.Warn("a request met an endpoint that cannot serve", "endpoint", e.ID, "fault", e.Fault)
		}
		return &answer.Failure{Status: 503, Code: answer.CodeUnservable, Message: "the endpoint's configuration cannot be used by this proxy; its log says why"}
	}
	return nil
}

// call sends the request to l's upstream.
func (x *exchange) call(l *leg) (reply, error) {
	if x.loops(l.endpoint) {
		return reply{failure: &answer.Failure{Status: 508, Code: answer.CodeLoop, Message: "the endpoint's upstream leads back to the endpoint itself"}}, nil
	}
	if !x.forwarded {
		x.setForwarded()
		x.forwarded = true
	}
	if l != &x.leg {
		x.body = upstream.KeepBody(x.req)
	}
	ctx, ended := x.beginCall(l)
	res, call, err := x.pool.Do(ctx, l.endpoint.Upstream, x.req, upstream.Caller{Client: x.conn.ClientAddr.Addr(), Inform: x.informational})
	ended(res, call, err)
	x.noteCall(l, call)
	if err != nil {
		return x.upstreamFailed(l, err)
	}
	x.restoreLocation(res)
	r := reply{res: res}
	if res.Status != http.StatusSwitchingProtocols {
		return r, nil
	}
	stream, ok := res.Body.(readWriteCloser)
	if !ok || http1.Upgrade(x.req.Header) == "" {
		_ = res.Body.Close() // the connection is of no use
		return reply{failure: &answer.Failure{Status: 502, Code: answer.CodeBadResponse, Message: "the upstream switched protocols without being asked to"}}, nil
	}
	r.stream = stream
	return r, nil
}

// noteCall records the call. What an internal endpoint called is its own affair:
// its URL stands for that.
func (x *exchange) noteCall(l *leg, call upstream.Call) {
	if x.record == nil {
		return
	}
	x.record.Upstream = tap.UpstreamCall{
		Address: call.Address, Proto: call.Proto, Reused: call.Reused, Sent: call.Sent,
		Connect: call.Connect, TLSHandshake: call.TLSHandshake, FirstByte: call.FirstByte,
	}
	for _, a := range call.Failed {
		x.record.Upstream.Failed = append(x.record.Upstream.Failed, tap.UpstreamAttempt(a))
	}
	if l != &x.leg {
		x.record.Upstream.Address = l.endpoint.URL
	}
}

func (x *exchange) informational(status int, h message.Header) {
	if x.to == nil {
		return // a policy waits for the final response only
	}
	stripOwned(&h)
	if err := x.to.Informational(status, h); err != nil {
		x.log.Debug("an informational response was not sent", "exchange", x.id, "error", err)
	}
}

func (x *exchange) upstreamFailed(l *leg, err error) (reply, error) {
	var f *upstream.CallError
	if !errors.As(err, &f) {
		return reply{}, err
	}
	x.log.Debug("the upstream failed", "exchange", x.id, "endpoint", l.endpoint.ID, "error", x.hidden(err))
	return reply{failure: &f.Failure}, nil
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
	case errors.As(err, &broken) && x.ctx.Err() == nil && upstream.IsTimeout(err):
		x.record.Fail(answer.CodeTimeout, "the response body broke off: the upstream paused for too long")
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

func (x *exchange) upgrade(res *message.Response, stream readWriteCloser) {
	stripOwned(&res.Header)
	res.Header.Add(answer.HeaderExchangeID, x.id)
	x.status = res.Status
	began := time.Now()
	if err := x.to.Upgrade(res, x.record.Upgrade(res, stream)); err != nil {
		x.log.Debug("an upgraded connection broke", "exchange", x.id, "after", time.Since(began), "error", err)
	}
}
