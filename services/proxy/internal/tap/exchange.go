package tap

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy/policytrace"
)

// exchange is the record as it leaves the process: secrets replaced, texts valid
// UTF-8.
func (r *Recording) exchange(proxyID string, into *capturev1.Batch) *capturev1.Exchange {
	r.requestSide().last(into)
	r.responseSide().last(into)
	e := &capturev1.Exchange{
		Id:          r.id,
		StartTime:   timestamppb.New(r.start),
		Connection:  r.connection(),
		Request:     r.request(),
		Response:    r.responsePart(),
		Timings:     r.timings(),
		ReplayOf:    r.ReplayOf,
		TraceId:     r.traceID(),
		ProxyId:     proxyID,
		FullCapture: r.plan.full,
		KeptBy:      r.keptBy,
	}
	if r.PolicyRevision > 0 {
		r.tellPolicy(e)
	}
	if r.Endpoint != nil {
		e.EndpointId, e.EndpointName, e.EndpointUrl = r.Endpoint.ID, text(r.Endpoint.Name), r.Endpoint.URL
	}
	e.Upstream = r.upstream()
	if r.ErrorCode != "" {
		e.Error = &capturev1.ExchangeError{Code: r.ErrorCode, Message: text(r.plainText(redact.URL(r.ErrorMessage)))}
	}
	r.tellMessages(e)
	if len(r.secrets) > 0 {
		mask(e, r.secrets)
	}
	e.Redactions = r.findings
	return e
}

// plainText is a text of the policy's as the record may have it.
func (r *Recording) plainText(s string) string {
	return r.settings.texts.of(s, func(s string) string {
		return r.settings.redactor.Text(s, nil, func(*redact.Finding) {})
	})
}

func (r *Recording) connection() *capturev1.Connection {
	c := &capturev1.Connection{
		ClientIp: address(r.conn.ClientAddr), ClientPort: uint32(r.conn.ClientAddr.Port()),
		ServerIp: address(r.conn.ServerAddr), ServerPort: uint32(r.conn.ServerAddr.Port()),
		StartTime: timestamppb.New(r.conn.Start),
		BytesIn:   uint64(len(r.method)+len(r.target)+len(r.proto)+len("  \r\n\r\n")+headerSize(r.header)+headerSize(r.reqBody.trailer)) + r.reqBody.size,
	}
	if r.response {
		c.BytesOut = uint64(len("HTTP/1.1 200 OK\r\n\r\n")+headerSize(r.resHeader)+headerSize(r.resBody.trailer)) + r.resBody.size
	}
	if t := r.conn.TLS; t != nil {
		c.Tls = session(t)
	}
	return c
}

func address(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.Addr().WithZone("").String()
}

func (r *Recording) request() *capturev1.Request {
	path, query, hasQuery := r.settings.redactor.Target(r.target, r.secrets, r.finding(capturev1.Redaction_PART_REQUEST_QUERY))
	host := masker(r.secrets).text(r.host)
	raw := r.scheme + "://" + host + path
	if hasQuery {
		raw += "?" + query
	}
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	return &capturev1.Request{
		Method: text(r.method), Scheme: r.scheme, Host: text(host), Path: text(path), Query: text(query), Url: text(raw),
		HttpVersion: r.proto, Body: r.requestSide().proto(),
		Headers:  r.headers(r.header, capturev1.Redaction_PART_REQUEST_HEADER, r.reqBody.kept.plain),
		Trailers: r.headers(r.reqBody.trailer, capturev1.Redaction_PART_REQUEST_TRAILER, false),
	}
}

func (r *Recording) responsePart() *capturev1.Response {
	if !r.response {
		return nil
	}
	return &capturev1.Response{
		StatusCode: uint32(r.status), // #nosec G115 -- a status has three digits
		Body:       r.responseSide().proto(),
		Headers:    r.headers(r.resHeader, capturev1.Redaction_PART_RESPONSE_HEADER, r.resBody.kept.plain),
		Trailers:   r.headers(r.resBody.trailer, capturev1.Redaction_PART_RESPONSE_TRAILER, false),
	}
}

// ruleDecoded stands at a Content-Encoding that the recorded body has no more: it
// was undone to replace something in it.
const ruleDecoded = "content_decoded"

// headers redacts. All lines lie in one piece of memory.
func (r *Recording) headers(h message.Header, part capturev1.Redaction_Part, decoded bool) []*capturev1.Header {
	if len(h) == 0 {
		return nil
	}
	lines := make([]capturev1.Header, len(h))
	out := make([]*capturev1.Header, len(h))
	found := r.finding(part)
	for i, f := range h {
		value, rule := r.settings.redactor.Header(f.Name, f.Value, r.secrets, found)
		if decoded && message.EqualName(f.Name, "content-encoding") {
			value, rule = "identity", ruleDecoded
		}
		lines[i].Name, lines[i].Value, lines[i].RedactedBy = text(f.Name), text(value), rule
		out[i] = &lines[i]
	}
	return out
}

func (r *Recording) tellPolicy(e *capturev1.Exchange) {
	p := &capturev1.PolicyResult{
		Revision: r.PolicyRevision, Rule: text(r.Policy.Rule), Action: r.Policy.Action, RateLimitDecision: r.Policy.RateLimit,
		BasicAuthDecision: r.Policy.BasicAuth, UserName: text(r.Policy.UserName),
		Decisions: r.Policy.Decisions,
	}
	e.Policy = p
	if len(r.Policy.Trace.Phases) == 0 {
		return
	}
	mask := r.mask()
	p.RateLimitBucket = r.plainText(mask.Known(text(r.Policy.RateLimitBucket)))
	for _, entry := range r.Policy.Logs {
		if b, err := json.Marshal(entry); err == nil {
			p.Logs = append(p.Logs, r.plainJSON(mask.Known(string(b))))
		}
	}
	e.PolicyTrace = policytrace.Proto(r.Policy.Trace, mask)
	for _, phase := range e.GetPolicyTrace().GetPhases() {
		for _, rule := range phase.GetRules() {
			rule.Error = r.plainText(rule.GetError())
			for _, action := range rule.GetActions() {
				action.Results = r.plainJSON(action.GetResults())
			}
		}
	}
}

// plainJSON is plainText for JSON.
func (r *Recording) plainJSON(s string) string {
	if s == "" {
		return s
	}
	return r.settings.json.of(s, func(s string) string {
		return string(r.settings.redactor.Body(redact.BodyConfig{ContentType: "application/json"}).Close([]byte(s), false))
	})
}

func (r *Recording) traceID() string {
	if r.TraceID != "" {
		return r.TraceID
	}
	return traceID(r.header)
}

// traceID reads the trace id of a traceparent field (W3C Trace Context, section
// 3.2); "" when there is none or it is malformed.
func traceID(h message.Header) string {
	parts := strings.Split(h.Get("traceparent"), "-")
	if len(parts) < 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || len(parts[2]) != 16 {
		return ""
	}
	if strings.Trim(parts[1], "0123456789abcdef") != "" || strings.Trim(parts[1], "0") == "" {
		return ""
	}
	return parts[1]
}

// text is s fit for a protobuf string: bytes that are no UTF-8 become U+FFFD.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
