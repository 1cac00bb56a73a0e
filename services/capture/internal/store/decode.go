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
	return &capturev1.Exchange{
		Id: r.id, EndpointId: r.endpointID, EndpointName: r.endpointName, EndpointUrl: r.endpointURL,
		StartTime:   timestamppb.New(r.ts),
		Connection:  r.connection(),
		Request:     r.request(),
		Response:    r.response(),
		Timings:     r.timings(),
		Upstream:    r.upstream(),
		Error:       r.failure(),
		Policy:      r.policy(),
		ReplayOf:    r.replayOf,
		TraceId:     r.traceID,
		ProxyId:     r.proxyID,
		FullCapture: r.fullCapture,
		PolicyTrace: r.trace(),
	}
}

func (r *row) connection() *capturev1.Connection {
	c := &capturev1.Connection{
		ClientIp: addressText(r.clientIP), ClientPort: uint32(r.clientPort),
		ServerIp: addressText(r.serverIP), ServerPort: uint32(r.serverPort),
		BytesIn: r.bytesIn, BytesOut: r.bytesOut,
	}
	if r.connTS.Unix() != 0 {
		c.StartTime = timestamppb.New(r.connTS)
	}
	if r.tlsVersion != "" {
		c.Tls = &capturev1.Tls{
			Version: r.tlsVersion, CipherSuite: r.tlsCipher, ServerName: r.tlsSNI,
			NegotiatedProtocol: r.tlsProtocol, Resumed: r.tlsResumed,
		}
	}
	return c
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

func (m *messageRow) content() *capturev1.Body {
	return &capturev1.Body{Content: m.body, Size: m.bodySize, Truncated: m.truncated}
}

func (r *row) timings() *capturev1.Timings {
	return &capturev1.Timings{
		Duration: duration(&r.durationNS), Policy: duration(&r.policyNS),
		Upstream: duration(r.upstreamDurationNS), FirstByte: duration(r.firstByteNS),
	}
}

func duration(ns *uint64) *durationpb.Duration {
	if ns == nil {
		return nil
	}
	return durationpb.New(time.Duration(min(*ns, math.MaxInt64))) //nolint:gosec // bounded by min
}

func (r *row) upstream() *capturev1.UpstreamCall {
	if r.upstreamAddress == "" {
		return nil
	}
	return &capturev1.UpstreamCall{Address: r.upstreamAddress, ConnectionReused: r.upstreamReused}
}

func (r *row) failure() *capturev1.ExchangeError {
	if r.errorCode == "" && r.errorMessage == "" {
		return nil
	}
	return &capturev1.ExchangeError{Code: r.errorCode, Message: r.errorMessage}
}

func (r *row) policy() *capturev1.PolicyResult {
	said := r.policyRule + r.policyAction + r.rateLimitDecision + r.rateLimitKey + r.basicAuthDecision + r.userName
	if r.policyRevision == 0 && said == "" && len(r.policyLogs) == 0 {
		return nil
	}
	return &capturev1.PolicyResult{
		Revision: r.policyRevision, Rule: r.policyRule, Action: r.policyAction,
		RateLimitDecision: r.rateLimitDecision, RateLimitBucket: r.rateLimitKey,
		BasicAuthDecision: r.basicAuthDecision, UserName: r.userName, Logs: r.policyLogs,
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
