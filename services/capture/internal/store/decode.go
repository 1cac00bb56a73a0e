package store

import (
	"math"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// exchange is the row as it came from the proxy. Connection, request, timings and
// the bodies of messages are always there; what a proxy may leave out (response,
// TLS, upstream, error, policy) is absent when it says nothing.
func (r *row) exchange() *capturev1.Exchange {
	x := r.extras()
	return &capturev1.Exchange{
		Id: r.id, EndpointId: r.endpointID, EndpointName: r.endpointName, EndpointUrl: r.endpointURL,
		StartTime:   timestamppb.New(r.ts),
		Connection:  r.connection(x.GetConnection()),
		Request:     r.request(),
		Response:    r.response(),
		Timings:     r.timings(),
		Upstream:    r.upstream(x.GetUpstream()),
		Error:       r.failure(),
		Policy:      r.policy(),
		ReplayOf:    r.replayOf,
		TraceId:     r.traceID,
		ProxyId:     r.proxyID,
		FullCapture: r.fullCapture,
		PolicyTrace: r.trace(),
		Route:       r.route,
		KeptBy:      r.keptBy,
		Redactions:  x.GetRedactions(),

		OmittedMessages: r.omittedMessages,
	}
}

func (r *row) connection(x *capturev1.Connection) *capturev1.Connection {
	c := &capturev1.Connection{
		ClientIp: addressText(r.clientIP), ClientPort: uint32(r.clientPort),
		ServerIp: addressText(r.serverIP), ServerPort: uint32(r.serverPort),
		BytesIn: r.bytesIn, BytesOut: r.bytesOut, Geo: r.place(x.GetGeo()),
	}
	if r.connTS.Unix() != 0 {
		c.StartTime = timestamppb.New(r.connTS)
	}
	if r.tlsVersion != "" {
		c.Tls = &capturev1.Tls{
			Version: r.tlsVersion, CipherSuite: r.tlsCipher, ServerName: r.tlsSNI,
			NegotiatedProtocol: r.tlsProtocol, Resumed: r.tlsResumed,
			Ja4Fingerprint: r.ja4, ClientCertificate: x.GetTls().GetClientCertificate(),
		}
	}
	return c
}

// place is absent when nothing is known of the address.
func (r *row) place(x *capturev1.Geo) *capturev1.Geo {
	if x == nil && r.country+r.countryName+r.continent+r.subdivision+r.city+r.asOrganization == "" && r.asn == 0 {
		return nil
	}
	return &capturev1.Geo{
		CountryCode: r.country, Country: r.countryName, ContinentCode: r.continent,
		City: r.city, SubdivisionCode: r.subdivision, Latitude: x.GetLatitude(), Longitude: x.GetLongitude(),
		Asn: r.asn, AsOrganization: r.asOrganization,
	}
}

func (r *row) request() *capturev1.Request {
	method := r.method
	if r.methodRaw != "" {
		method = r.methodRaw
	}
	return &capturev1.Request{
		Method: method, Scheme: r.scheme, Host: r.authority, Path: r.path, Query: r.query, Url: r.url,
		HttpVersion: r.httpVersion, Headers: r.req.headers.lines(r.req.headerNames, r.req.redacted),
		Body: r.req.content(), Trailers: unflatten(r.req.trailers),
	}
}

func (r *row) response() *capturev1.Response {
	if r.status == nil {
		return nil
	}
	return &capturev1.Response{
		StatusCode: uint32(*r.status), Headers: r.res.headers.lines(r.res.headerNames, r.res.redacted),
		Body: r.res.content(), Trailers: unflatten(r.res.trailers),
	}
}

func (m *sideRow) content() *capturev1.Body {
	return &capturev1.Body{
		Content: m.body, Size: m.bodySize, Truncated: m.truncated,
		DecodedSize: m.decodedSize, StoredSize: max(m.storedSize, uint64(len(m.body))), // rows from before stored sizes have none
	}
}

func (r *row) timings() *capturev1.Timings {
	return &capturev1.Timings{
		Duration: duration(&r.durationNS), Policy: duration(&r.policyNS),
		Upstream: duration(r.upstreamDurationNS), FirstByte: duration(r.firstByteNS),
		Connect: duration(r.connectNS), TlsHandshake: duration(r.tlsHandshakeNS),
		UpstreamFirstByte: duration(r.upstreamFirstByteNS), UpstreamStart: duration(r.upstreamStartNS),
		RequestReceived: duration(r.requestReceivedNS),
	}
}

func duration(ns *uint64) *durationpb.Duration {
	if ns == nil {
		return nil
	}
	return durationpb.New(time.Duration(min(*ns, math.MaxInt64))) //nolint:gosec // bounded by min
}

func (r *row) upstream(x *capturev1.UpstreamCall) *capturev1.UpstreamCall {
	if r.upstreamAddress == "" && len(x.GetFailedAttempts()) == 0 {
		return nil
	}
	return &capturev1.UpstreamCall{
		Address: r.upstreamAddress, ConnectionReused: r.upstreamReused, HttpVersion: r.upstreamHTTP,
		FailedAttempts: x.GetFailedAttempts(),
	}
}

func (r *row) failure() *capturev1.ExchangeError {
	if r.errorCode == "" && r.errorMessage == "" {
		return nil
	}
	return &capturev1.ExchangeError{Code: r.errorCode, Message: r.errorMessage}
}

func (r *row) policy() *capturev1.PolicyResult {
	said := r.policyRule + r.policyAction + r.rateLimitDecision + r.rateLimitKey + r.basicAuthDecision + r.userName
	if r.policyRevision == 0 && said == "" && len(r.policyLogs)+len(r.decisions) == 0 {
		return nil
	}
	return &capturev1.PolicyResult{
		Revision: r.policyRevision, Rule: r.policyRule, Action: r.policyAction,
		RateLimitDecision: r.rateLimitDecision, RateLimitBucket: r.rateLimitKey,
		BasicAuthDecision: r.basicAuthDecision, UserName: r.userName, Logs: r.policyLogs, Decisions: r.decisions,
	}
}

// trace is absent when none was stored or when it was not asked for; one that
// cannot be read does not keep the rest of the exchange back.
func (r *row) trace() *capturev1.PolicyTrace {
	t := &capturev1.PolicyTrace{}
	if len(r.policyTrace) == 0 || proto.Unmarshal(r.policyTrace, t) != nil {
		return nil
	}
	return t
}
