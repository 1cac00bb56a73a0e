package pipeline

import (
	"cmp"
	"strconv"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/tap"
)

// meanings are the texts of the policy's codes.
var meanings = func() map[trafficpolicy.Code]string {
	m := map[trafficpolicy.Code]string{}
	for _, c := range trafficpolicy.Codes() {
		m[c.Code] = c.Meaning
	}
	return m
}()

// requestPhase runs the phases before the upstream is asked. Which endpoint a
// connection is for shows only with a request, so on_tcp_connect runs with each.
func (x *exchange) requestPhase(l *leg) (*trafficpolicy.Outcome, error) {
	p := l.endpoint.Policy
	connect, request := p.Has(trafficpolicy.OnTCPConnect), p.Has(trafficpolicy.OnHTTPRequest)
	if !connect && !request && !p.Has(trafficpolicy.OnHTTPResponse) {
		return nil, nil //nolint:nilnil // as in package trafficpolicy: nil means go on
	}
	services := x.services
	services.Secrets, services.Recorder, services.SessionKey = x, x.record, x.state.ReplayKey
	if services.HTTP != nil {
		services.HTTP = x
	}
	l.run = p.Start(trafficpolicy.Input{Conn: x.conn, Endpoint: &l.endpoint.Endpoint, Request: x.req, Hops: l.hops, ID: x.id}, services)
	defer x.clock(time.Now())
	if connect {
		if out, err := l.run.OnTCPConnect(x.ctx); out != nil || err != nil {
			return out, err
		}
	}
	return l.run.OnRequest(x.ctx)
}

func (x *exchange) clock(start time.Time) { x.policyTime += time.Since(start) }

// outcome is what the policy decided: its response, a refusal in the gateway's
// shape, or nothing at all.
func (x *exchange) outcome(l *leg, out *trafficpolicy.Outcome) reply {
	code := string(out.ErrorCode)
	x.noteOutcome(l, out)
	if out.Cause != nil && x.said.policy.again() {
		x.log.Warn("the traffic policy failed", "exchange", x.id, "endpoint", l.endpoint.ID, "rule", out.Rule, "code", code, "error", x.hidden(out.Cause))
	}
	r := reply{res: out.Response, code: code}
	if code != "" {
		r.message = meanings[out.ErrorCode]
	}
	if code != "" && r.res != nil {
		r.res = x.refusal(out)
	}
	return r
}

// noteOutcome records which rule and action of the client's endpoint answered.
func (x *exchange) noteOutcome(l *leg, out *trafficpolicy.Outcome) {
	if x.record != nil && l == &x.leg {
		x.record.Policy.Rule, x.record.Policy.Action = out.Rule, out.Action
	}
}

// refusal gives the policy's refusal the shape of all gateway errors and keeps its
// own fields, such as Retry-After and WWW-Authenticate.
func (x *exchange) refusal(out *trafficpolicy.Outcome) *message.Response {
	f := answer.Failure{Status: out.Response.Status, Code: string(out.ErrorCode), Message: meanings[out.ErrorCode]}
	if f.Message == "" {
		f.Message = "the request was refused: status " + strconv.Itoa(f.Status)
	}
	res := f.Response(x.req, x.id)
	for _, field := range out.Response.Header {
		if !res.Header.Has(field.Name) {
			res.Header.Add(field.Name, field.Value)
		}
	}
	return res
}

// redactedLogin names in records what a login was made of.
const redactedLogin = "login"

// notePolicy writes down what the policy did.
func (x *exchange) notePolicy() {
	if x.record == nil || x.run == nil {
		return
	}
	p, f := &x.record.Policy, x.run.Facts()
	x.run.TraceInto(&p.Trace)
	for _, l := range x.inner {
		if l.run != nil {
			f = l.addFacts(f)
			p.Trace.Phases = append(p.Trace.Phases, l.phases()...)
		}
	}
	for _, value := range f.Secrets {
		x.record.Know(redact.NewSecret(redactedLogin, value))
	}
	*p = tap.Policy{
		Rule: p.Rule, Action: p.Action, RateLimit: f.RateLimit.Decision, RateLimitBucket: f.RateLimit.BucketKey,
		BasicAuth: f.BasicAuth.Decision, UserName: cmp.Or(f.LoginUser, f.BasicAuth.Username), Decisions: decisions(f), Logs: f.Logs, Trace: p.Trace,
	}
	x.record.PolicyTime, x.record.Run = x.policyTime, x.run
}
