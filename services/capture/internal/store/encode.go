package store

import (
	"math"
	"net"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// fill lays out e, received at ts, as a row. A message that is absent leaves zero
// values; exchange says how they are read back.
func (r *row) fill(e *capturev1.Exchange, ts time.Time) {
	r.id, r.ts, r.proxyID, r.fullCapture = e.GetId(), ts, e.GetProxyId(), e.GetFullCapture()
	r.endpointID, r.endpointName, r.endpointURL = e.GetEndpointId(), e.GetEndpointName(), e.GetEndpointUrl()
	r.route, r.keptBy = e.GetRoute(), e.GetKeptBy()
	r.replayOf, r.traceID = e.GetReplayOf(), e.GetTraceId()
	r.fillConnection(e.GetConnection())
	r.fillRequest(e.GetRequest())
	r.fillResponse(e.GetResponse())
	r.fillTimings(e.GetTimings())
	r.fillUpstream(e.GetUpstream())
	r.errorCode, r.errorMessage = e.GetError().GetCode(), e.GetError().GetMessage()
	r.fillPolicy(e.GetPolicy())
	r.fillTrace(e.GetPolicyTrace())
	r.messageCount, r.omittedMessages = count32(len(e.GetMessages())), e.GetOmittedMessages()
	r.redactedBy = rulesOf(e.GetRedactions())
	r.extra = extraOf(e)
}

func (r *row) fillConnection(c *capturev1.Connection) {
	r.clientIP, r.serverIP = address(c.GetClientIp()), address(c.GetServerIp())
	r.clientPort, r.serverPort = uint16(c.GetClientPort()), uint16(c.GetServerPort())
	r.connTS = storable(c.GetStartTime().AsTime())
	r.bytesIn, r.bytesOut = c.GetBytesIn(), c.GetBytesOut()
	t := c.GetTls()
	r.tlsVersion, r.tlsCipher, r.tlsSNI = t.GetVersion(), t.GetCipherSuite(), t.GetServerName()
	r.tlsProtocol, r.tlsResumed, r.ja4 = t.GetNegotiatedProtocol(), t.GetResumed(), t.GetJa4Fingerprint()
	r.clientSubject, r.clientSerial = t.GetClientCertificate().GetSubject(), t.GetClientCertificate().GetSerialNumber()
	r.fillPlace(c.GetGeo())
}

func (r *row) fillPlace(g *capturev1.Geo) {
	r.country, r.countryName, r.continent = g.GetCountryCode(), g.GetCountry(), g.GetContinentCode()
	r.subdivision, r.city = g.GetSubdivisionCode(), g.GetCity()
	r.asn, r.asOrganization = g.GetAsn(), g.GetAsOrganization()
}

func (r *row) fillRequest(q *capturev1.Request) {
	r.scheme, r.method = q.GetScheme(), strings.ToUpper(q.GetMethod())
	if r.method != q.GetMethod() {
		r.methodRaw = q.GetMethod()
	}
	r.authority, r.host = q.GetHost(), hostName(q.GetHost())
	r.path, r.query, r.url, r.httpVersion = q.GetPath(), q.GetQuery(), q.GetUrl(), q.GetHttpVersion()
	r.req.fill(q.GetHeaders(), q.GetTrailers(), q.GetBody())
	r.userAgent = r.req.headers.first("user-agent")
}

func (r *row) fillResponse(s *capturev1.Response) {
	if s != nil {
		status := uint16(s.GetStatusCode())
		r.status = &status
	}
	r.res.fill(s.GetHeaders(), s.GetTrailers(), s.GetBody())
}

func (m *sideRow) fill(headers, trailers []*capturev1.Header, body *capturev1.Body) {
	m.headers, m.headerNames, m.redacted = *newHeaderMap(headers), headerNames(headers), headerRedactions(headers)
	m.trailers = flatten(trailers)
	m.body, m.bodySize, m.truncated = inline(body), body.GetSize(), body.GetTruncated()
	m.decodedSize, m.storedSize = body.GetDecodedSize(), max(body.GetStoredSize(), uint64(len(body.GetContent())))
}

func (r *row) fillTimings(t *capturev1.Timings) {
	r.durationNS, r.policyNS = nanoseconds(t.GetDuration()), nanoseconds(t.GetPolicy())
	r.upstreamDurationNS, r.firstByteNS = optionalNanoseconds(t.GetUpstream()), optionalNanoseconds(t.GetFirstByte())
	r.connectNS, r.tlsHandshakeNS = optionalNanoseconds(t.GetConnect()), optionalNanoseconds(t.GetTlsHandshake())
	r.upstreamFirstByteNS, r.upstreamStartNS = optionalNanoseconds(t.GetUpstreamFirstByte()), optionalNanoseconds(t.GetUpstreamStart())
	r.requestReceivedNS = optionalNanoseconds(t.GetRequestReceived())
}

func (r *row) fillUpstream(u *capturev1.UpstreamCall) {
	r.upstreamAddress, r.upstreamReused, r.upstreamHTTP = u.GetAddress(), u.GetConnectionReused(), u.GetHttpVersion()
	r.upstreamFailures = uint16(min(len(u.GetFailedAttempts()), math.MaxUint16)) //nolint:gosec // bounded by min
}

func (r *row) fillPolicy(p *capturev1.PolicyResult) {
	r.policyRevision, r.policyRule, r.policyAction = p.GetRevision(), p.GetRule(), p.GetAction()
	r.rateLimitDecision, r.rateLimitKey = p.GetRateLimitDecision(), p.GetRateLimitBucket()
	r.basicAuthDecision, r.userName = p.GetBasicAuthDecision(), p.GetUserName()
	r.policyLogs, r.decisions = p.GetLogs(), p.GetDecisions()
}

// fillTrace keeps the trace as it came; without one, nothing. A trace of valid
// messages can always be marshalled.
func (r *row) fillTrace(t *capturev1.PolicyTrace) {
	if t != nil {
		r.policyTrace, _ = proto.Marshal(t)
	}
}

// hostName is the host that searches name: in lower case and without a port.
func hostName(authority string) string {
	if host, _, err := net.SplitHostPort(authority); err == nil {
		authority = host
	}
	return strings.ToLower(strings.Trim(authority, "[]"))
}

// nanoseconds is 0 for what no clock can measure.
func nanoseconds(d *durationpb.Duration) uint64 { return uint64(max(d.AsDuration(), 0)) }

func optionalNanoseconds(d *durationpb.Duration) *uint64 {
	if d == nil {
		return nil
	}
	n := nanoseconds(d)
	return &n
}
