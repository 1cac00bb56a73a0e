package tap

import (
	"net/url"
	"strings"
	"unicode/utf8"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
)

// exchange appends the fields of a capturev1.Exchange.
func (e *encoder) exchange(parts *Batch) {
	r := e.r
	r.requestSide().last(parts)
	r.responseSide().last(parts)
	e.String(1, r.id)
	if r.Endpoint != nil {
		e.String(2, r.Endpoint.ID)
		e.String(3, text(r.Endpoint.Name))
		e.String(4, r.Endpoint.URL)
	}
	e.Time(5, r.start)
	e.connection(6)
	e.request(7)
	if r.response {
		e.response(8)
	}
	e.timings(9)
	e.upstream(10)
	if r.ErrorCode != "" {
		m := e.Open(11, len(r.ErrorMessage))
		e.hidden(1, r.ErrorCode)
		e.hidden(2, text(r.plainText(redact.URL(r.ErrorMessage))))
		e.Close(m)
	}
	if r.PolicyRevision > 0 {
		e.policy(12)
	}
	e.String(13, r.ReplayOf)
	e.String(15, r.traceID())
	e.String(16, r.tap.proxyID)
	e.Bool(17, r.plan.full)
	e.messages(20)
	e.String(22, r.keptBy)
	e.redactions(23)
}

func (e *encoder) request(field int) {
	r := e.r
	e.part = capturev1.Redaction_PART_REQUEST_QUERY
	path, query, hasQuery := e.settings.redactor.Target(r.target, r.secrets, e.found)
	host := redact.Hide(r.host, r.secrets)
	m := e.Open(field, 512)
	e.String(1, text(r.method))
	e.String(2, r.scheme)
	e.String(3, text(host))
	e.path(4, path)
	e.String(5, text(query))
	e.url(6, host, path, query, hasQuery)
	e.String(7, r.proto)
	e.headers(8, r.header, capturev1.Redaction_PART_REQUEST_HEADER, r.reqBody.kept.plain)
	e.body(9, r.requestSide())
	e.headers(10, r.reqBody.trailer, capturev1.Redaction_PART_REQUEST_TRAILER, false)
	e.Close(m)
}

// path appends a path as it is decoded, if it can be.
func (e *encoder) path(field int, path string) {
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	e.String(field, text(path))
}

// url appends the URL as the client wrote it.
func (e *encoder) url(field int, host, path, query string, hasQuery bool) {
	scheme, mark := e.r.scheme, ""
	if hasQuery {
		mark = "?"
	}
	if !utf8.ValidString(host) || !utf8.ValidString(path) || !utf8.ValidString(query) {
		e.String(field, text(scheme+"://"+host+path+mark+query))
		return
	}
	m := e.Open(field, len(scheme)+len("://")+len(host)+len(path)+len(mark)+len(query))
	for _, s := range [...]string{scheme, "://", host, path, mark, query} {
		e.Buffer = append(e.Buffer, s...)
	}
	e.Close(m)
}

func (e *encoder) response(field int) {
	r := e.r
	m := e.Open(field, 512+len(r.resBody.kept.inline))
	e.Uint(1, uint64(r.status)) // #nosec G115 -- a status has three digits
	e.headers(2, r.resHeader, capturev1.Redaction_PART_RESPONSE_HEADER, r.resBody.kept.plain)
	e.body(3, r.responseSide())
	e.headers(4, r.resBody.trailer, capturev1.Redaction_PART_RESPONSE_TRAILER, false)
	e.Close(m)
}

// ruleDecoded stands at a Content-Encoding that the recorded body has no more: it
// was undone to replace something in it.
const ruleDecoded = "content_decoded"

func (e *encoder) headers(field int, h message.Header, part capturev1.Redaction_Part, decoded bool) {
	e.part = part
	for i := range h {
		f := &h[i]
		if len(e.r.secrets) == 0 && !decoded && e.clean.has(f, e.settings.redactor) {
			e.header(field, f.Name, f.Value, "")
			continue
		}
		if part == capturev1.Redaction_PART_REQUEST_HEADER {
			e.remember(f)
		}
		value, rule := e.settings.redactor.Header(f.Name, f.Value, e.r.secrets, e.found)
		if decoded && message.EqualName(f.Name, "content-encoding") {
			value, rule = "identity", ruleDecoded
		}
		e.header(field, text(f.Name), text(value), rule)
	}
}

func (e *encoder) header(field int, name, value, rule string) {
	m := e.Open(field, len(name)+len(value)+len(rule)+len("nlvl"))
	e.String(1, name)
	e.String(2, value)
	e.String(3, rule)
	e.Close(m)
}

// body appends what was kept of a body.
func (e *encoder) body(field int, s side) {
	k := &s.kept
	held := k.redaction != nil && k.redaction.HeldSecret()
	m := e.Open(field, len(k.inline)+8)
	e.Bytes(1, k.inline)
	e.Uint(2, s.size)
	e.Bool(3, s.limit > 0 && (s.lost || s.size > uint64(s.limit)) || k.lost || k.opaque || held) // #nosec G115 -- a limit is positive
	e.Uint(4, k.decoded)
	e.Uint(5, k.stored)
	e.Close(m)
}

func (e *encoder) redactions(field int) {
	for i := range e.r.findings {
		f := &e.r.findings[i]
		m := e.Open(field, 0)
		e.Uint(1, uint64(f.part)) // #nosec G115 -- an enum
		e.String(2, text(f.path))
		e.String(3, f.rule)
		e.String(4, f.kind)
		e.Uint(5, f.length)
		e.String(6, f.hash)
		e.Close(m)
	}
}

// plainText is a text of the policy's as the record may have it.
func (r *Recording) plainText(s string) string {
	return r.settings.redactor.Text(s, nil, func(*redact.Finding) {})
}

func (r *Recording) traceID() string {
	if r.TraceID != "" {
		return r.TraceID
	}
	return traceID(r.header.Get("traceparent"))
}

// traceID reads the trace id of a traceparent field (W3C Trace Context, section
// 3.2); "" when it is malformed.
func traceID(traceparent string) string {
	version, rest, _ := strings.Cut(traceparent, "-")
	trace, rest, _ := strings.Cut(rest, "-")
	parent, _, flags := strings.Cut(rest, "-")
	if !flags || len(version) != 2 || len(trace) != 32 || len(parent) != 16 {
		return ""
	}
	if strings.Trim(trace, "0123456789abcdef") != "" || strings.Trim(trace, "0") == "" {
		return ""
	}
	return trace
}
