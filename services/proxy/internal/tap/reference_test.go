package tap

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"net/url"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
	"sluice.dev/platform/trafficpolicy/policytrace"
)

// exchange is the record built as a message: what the encoder is compared with.
func (r *Recording) exchange(proxyID string, into *Batch) *capturev1.Exchange {
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
	for _, f := range r.findings {
		e.Redactions = append(e.Redactions, &capturev1.Redaction{Part: f.part, Path: text(f.path), Rule: f.rule, Type: f.kind, Length: f.length, Hash: f.hash})
	}
	r.tap.locate(e, r.conn.ClientAddr.Addr())
	return e
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
	host := redact.Hide(r.host, r.secrets)
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
	return string(r.settings.redactor.Body(redact.BodyConfig{ContentType: "application/json"}).Close([]byte(s), false))
}

// proto is the body as the record tells it.
func (s side) proto() *capturev1.Body {
	k := &s.kept
	held := k.redaction != nil && k.redaction.HeldSecret()
	return &capturev1.Body{
		Content: k.inline, Size: s.size, StoredSize: k.stored, DecodedSize: k.decoded,
		Truncated: s.limit > 0 && (s.lost || s.size > uint64(s.limit)) || k.lost || k.opaque || held, // #nosec G115 -- a limit is positive
	}
}

func (t *Tap) locate(e *capturev1.Exchange, client netip.Addr) {
	if t.places == nil {
		return
	}
	d := t.places.Lookup(client)
	if d == nil {
		return
	}
	l := &d.Location
	g := &capturev1.Geo{
		CountryCode: l.CountryCode, Country: text(l.Country), ContinentCode: l.ContinentCode, City: text(l.City), SubdivisionCode: text(l.SubdivisionCode),
		Latitude: degrees(l.Latitude), Longitude: degrees(l.Longitude),
		Asn: uint32(d.ASNumber), AsOrganization: text(d.Organization), // #nosec G115 -- an AS number has 32 bits
	}
	if g.CountryCode == "" && g.ContinentCode == "" && g.Asn == 0 {
		return // only categories are known
	}
	e.Connection.Geo = g
}

// session is what is recorded of a TLS session.
func session(t *message.TLS) *capturev1.Tls {
	out := &capturev1.Tls{
		Version: t.Version, CipherSuite: t.CipherSuite, ServerName: text(t.ServerName), NegotiatedProtocol: t.ALPN, Resumed: t.Resumed, Ja4Fingerprint: text(t.JA4),
	}
	if len(t.PeerCertificates) > 0 {
		c := t.PeerCertificates[0]
		sum := sha256.Sum256(c.Raw)
		out.ClientCertificate = &capturev1.ClientCertificate{
			Subject: text(c.Subject.String()), Issuer: text(c.Issuer.String()), SerialNumber: c.SerialNumber.Text(16),
			Fingerprint: hex.EncodeToString(sum[:]), NotAfter: timestamppb.New(c.NotAfter),
		}
	}
	return out
}

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

func (r *Recording) tellMessages(e *capturev1.Exchange) {
	if m := r.messages; m != nil {
		e.OmittedMessages = m.omitted
		r.tell(m, func(one *capturev1.Message) { e.Messages = append(e.Messages, one) })
	}
}

// mask knows what of the policy's doings the record must not hold: the request's
// credentials, and bodies unless those are recorded.
func (r *Recording) mask() policytrace.Mask {
	mask := policytrace.Mask{Headers: r.settings.redactor.HeaderRules(), Bodies: r.plan.full}
	for _, f := range r.header {
		mask.Values = policytrace.Secrets(r.settings.redactor.HeaderRules(), f.Name, f.Value, mask.Values)
	}
	mask.Values = append(mask.Values, r.values...)
	return mask
}

// mask takes secrets that the policy read out of what the policy noted.
func mask(e *capturev1.Exchange, secrets []*redact.Secret) {
	m := masker(secrets)
	for _, part := range []proto.Message{e.GetPolicy(), e.GetPolicyTrace(), e.GetError(), e.GetUpstream()} {
		m.message(part.ProtoReflect())
	}
}

// masker takes secrets out of messages.
type masker []*redact.Secret

func (m masker) text(s string) string { return redact.Hide(s, m) }

// message masks every text of m, at any depth.
func (m masker) message(msg protoreflect.Message) {
	msg.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			m.entries(fd, v.Map())
		case fd.IsList():
			m.items(fd, v.List())
		case fd.Kind() == protoreflect.StringKind:
			msg.Set(fd, protoreflect.ValueOfString(m.text(v.String())))
		case fd.Message() != nil:
			m.message(v.Message())
		}
		return true
	})
}

func (m masker) items(fd protoreflect.FieldDescriptor, list protoreflect.List) {
	for i := range list.Len() {
		switch {
		case fd.Kind() == protoreflect.StringKind:
			list.Set(i, protoreflect.ValueOfString(m.text(list.Get(i).String())))
		case fd.Message() != nil:
			m.message(list.Get(i).Message())
		}
	}
}

func (m masker) entries(fd protoreflect.FieldDescriptor, entries protoreflect.Map) {
	entries.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		switch {
		case fd.MapValue().Kind() == protoreflect.StringKind:
			entries.Set(k, protoreflect.ValueOfString(m.text(v.String())))
		case fd.MapValue().Message() != nil:
			m.message(v.Message())
		}
		return true
	})
}
