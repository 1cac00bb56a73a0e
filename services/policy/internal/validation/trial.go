package validation

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"strings"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/message"
	"sluice.dev/platform/trafficpolicy"
	"sluice.dev/platform/trafficpolicy/policytest"
	"sluice.dev/platform/trafficpolicy/policytrace"
)

const (
	maxTrial     = 20 * time.Second // of one TestPolicy
	maxTrialBody = 1 << 20          // bytes of a body in an answer
)

// TestPolicy implements policyv1.TrafficPolicyServiceServer. It reads no secret of
// the gateway, because whoever may read policies may call it.
func (Service) TestPolicy(ctx context.Context, req *policyv1.TestPolicyRequest) (*policyv1.TestPolicyResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTrial)
	defer cancel()
	suite, err := suiteOf(req)
	if err != nil {
		return nil, err
	}
	results, problems := suite.Run(ctx)
	out := &policyv1.TestPolicyResponse{Valid: len(problems.Errors()) == 0, Problems: asProto(problems)}
	for i, r := range results {
		if len(r.Exchanges) == 0 {
			return nil, untried(ctx, i, r)
		}
		out.Results = append(out.Results, trialResult(r.Exchanges[0]))
	}
	return out, nil
}

// untried is why an exchange could not be made.
func untried(ctx context.Context, i int, r policytest.Result) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errs.InvalidField("exchanges", "exchange %d: %s", i, strings.Join(r.Failures, "; "))
}

func suiteOf(req *policyv1.TestPolicyRequest) (*policytest.Suite, error) {
	s := &policytest.Suite{
		Protocol: trafficpolicy.HTTPS, Endpoint: req.GetEndpointUrl(), Policy: req.GetTrafficPolicy(), Secrets: req.GetSecrets(),
		Remote: map[string]policytest.Upstream{},
	}
	if s.Endpoint != "" && !strings.Contains(s.Endpoint, "://") {
		s.Endpoint = "https://" + s.Endpoint
	}
	switch u, err := url.Parse(s.Endpoint); {
	case err != nil:
		return nil, errs.InvalidField("endpoint_url", "%q is not a URL", s.Endpoint)
	case u.Scheme == "http":
		s.Protocol = trafficpolicy.HTTP
	case u.Scheme != "https" && u.Scheme != "":
		return nil, errs.InvalidField("endpoint_url", "requests can only be tried at http and https endpoints, not at %s", u.Scheme)
	}
	for at, answer := range req.GetRemotes() {
		s.Remote[at] = answerOf(answer)
	}
	var since time.Duration
	for _, x := range req.GetExchanges() {
		since += x.GetAfter().AsDuration()
		s.Steps = append(s.Steps, policytest.Step{
			At: since, Repeat: 1, Upstream: answerOf(x.GetUpstream()),
			Request: policytest.Request{Method: x.GetMethod(), URL: x.GetUrl(), Body: string(x.GetBody()), ClientIP: x.GetClientIp(), Lines: linesOf(x.GetHeaders())},
		})
	}
	return s, nil
}

func answerOf(a *policyv1.PolicyTestAnswer) policytest.Upstream {
	return policytest.Upstream{Status: int(a.GetStatusCode()), Lines: linesOf(a.GetHeaders()), Body: string(a.GetBody())}
}

func linesOf(headers []*capturev1.Header) message.Header {
	var h message.Header
	for _, line := range headers {
		h.Add(line.GetName(), line.GetValue())
	}
	return h
}

func trialResult(x *policytest.Exchange) *policyv1.PolicyTestResult {
	out := &policyv1.PolicyTestResult{Outcome: policyv1.PolicyTestResult_OUTCOME_FORWARDED, ErrorCode: string(x.Code())}
	switch {
	case x.Closed():
		out.Outcome = policyv1.PolicyTestResult_OUTCOME_CLOSED
	case x.Forwarded == nil:
		out.Outcome = policyv1.PolicyTestResult_OUTCOME_ANSWERED
	}
	if x.Final != nil {
		out.Rule, out.Action = x.Final.Rule, x.Final.Action
	}
	if x.Forwarded != nil {
		out.Forwarded = requestOf(x.Forwarded)
	}
	if x.Response != nil {
		out.Response = &capturev1.Response{StatusCode: uint32(x.Response.Status), Headers: headersOf(x.Response.Header), Body: bodyOf(x.Response.Body)} // #nosec G115 -- a status has three digits
	}
	out.Trace = policytrace.Proto(x.Trace, policytrace.Mask{Bodies: true})
	for _, entry := range x.Facts.Logs {
		if text, err := json.Marshal(entry); err == nil {
			out.Logs = append(out.Logs, string(text))
		}
	}
	return out
}

func requestOf(r *message.Request) *capturev1.Request {
	path, query, hasQuery := strings.Cut(r.Target, "?")
	whole := r.Scheme + "://" + r.Host + r.Target
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	if !hasQuery {
		query = ""
	}
	return &capturev1.Request{
		Method: r.Method, Scheme: r.Scheme, Host: r.Host, Path: text(path), Query: text(query), Url: text(whole), HttpVersion: r.Proto,
		Headers: headersOf(r.Header), Body: bodyOf(r.Body),
	}
}

func headersOf(h message.Header) []*capturev1.Header {
	out := make([]*capturev1.Header, 0, len(h))
	for _, f := range h {
		out = append(out, &capturev1.Header{Name: text(f.Name), Value: text(f.Value)})
	}
	return out
}

// bodyOf reads a body that lies in memory.
func bodyOf(body io.Reader) *capturev1.Body {
	if body == nil {
		return &capturev1.Body{}
	}
	content, err := io.ReadAll(io.LimitReader(body, maxTrialBody+1))
	kept := content[:min(len(content), maxTrialBody)]
	return &capturev1.Body{Content: kept, Size: uint64(len(content)), Truncated: err != nil || len(content) > len(kept)}
}

// text is s fit for a protobuf string.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
