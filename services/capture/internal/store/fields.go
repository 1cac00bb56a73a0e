package store

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// fields are all columns that are written and read.
var fields = []field{
	col("id", func(r *row) *string { return &r.id }),
	col("ts", func(r *row) *time.Time { return &r.ts }),
	col("writer", func(r *row) *string { return &r.writer }),
	col("seq", func(r *row) *uint64 { return &r.seq }),
	col("batch_id", func(r *row) *string { return &r.batchID }),
	col("proxy_id", func(r *row) *string { return &r.proxyID }),
	col("full_capture", func(r *row) *bool { return &r.fullCapture }),
	col("endpoint_id", func(r *row) *string { return &r.endpointID }),
	col("endpoint_name", func(r *row) *string { return &r.endpointName }),
	col("endpoint_url", func(r *row) *string { return &r.endpointURL }),

	col("client_ip", func(r *row) *netip.Addr { return &r.clientIP }),
	col("client_port", func(r *row) *uint16 { return &r.clientPort }),
	col("server_ip", func(r *row) *netip.Addr { return &r.serverIP }),
	col("server_port", func(r *row) *uint16 { return &r.serverPort }),
	col("conn_ts", func(r *row) *time.Time { return &r.connTS }),
	col("bytes_in", func(r *row) *uint64 { return &r.bytesIn }),
	col("bytes_out", func(r *row) *uint64 { return &r.bytesOut }),
	col("tls_version", func(r *row) *string { return &r.tlsVersion }),
	col("tls_cipher", func(r *row) *string { return &r.tlsCipher }),
	col("tls_sni", func(r *row) *string { return &r.tlsSNI }),
	col("tls_protocol", func(r *row) *string { return &r.tlsProtocol }),
	col("tls_resumed", func(r *row) *bool { return &r.tlsResumed }),

	col("scheme", func(r *row) *string { return &r.scheme }),
	col("method", func(r *row) *string { return &r.method }),
	col("method_raw", func(r *row) *string { return &r.methodRaw }),
	col("host", func(r *row) *string { return &r.host }),
	col("authority", func(r *row) *string { return &r.authority }),
	col("path", func(r *row) *string { return &r.path }),
	col("query", func(r *row) *string { return &r.query }),
	col("url", func(r *row) *string { return &r.url }),
	col("http_version", func(r *row) *string { return &r.httpVersion }),
	col("user_agent", func(r *row) *string { return &r.userAgent }),
	headerCol("req_headers", func(r *row) *headerMap { return &r.req.headers }),
	col("req_header_names", func(r *row) *[]string { return &r.req.headerNames }),
	col("req_header_redacted", func(r *row) *[]string { return &r.req.redacted }),
	col("req_trailers", func(r *row) *[]string { return &r.req.trailers }),
	bodyCol("req_body", func(r *row) *[]byte { return &r.req.body }),
	col("req_body_size", func(r *row) *uint64 { return &r.req.bodySize }),
	col("req_body_truncated", func(r *row) *bool { return &r.req.truncated }),

	col("status", func(r *row) **uint16 { return &r.status }),
	headerCol("res_headers", func(r *row) *headerMap { return &r.res.headers }),
	col("res_header_names", func(r *row) *[]string { return &r.res.headerNames }),
	col("res_header_redacted", func(r *row) *[]string { return &r.res.redacted }),
	col("res_trailers", func(r *row) *[]string { return &r.res.trailers }),
	bodyCol("res_body", func(r *row) *[]byte { return &r.res.body }),
	col("res_body_size", func(r *row) *uint64 { return &r.res.bodySize }),
	col("res_body_truncated", func(r *row) *bool { return &r.res.truncated }),

	col("duration_ns", func(r *row) *uint64 { return &r.durationNS }),
	col("policy_ns", func(r *row) *uint64 { return &r.policyNS }),
	col("upstream_duration_ns", func(r *row) **uint64 { return &r.upstreamDurationNS }),
	col("first_byte_ns", func(r *row) **uint64 { return &r.firstByteNS }),
	col("upstream_address", func(r *row) *string { return &r.upstreamAddress }),
	col("upstream_reused", func(r *row) *bool { return &r.upstreamReused }),

	col("error_code", func(r *row) *string { return &r.errorCode }),
	col("error_message", func(r *row) *string { return &r.errorMessage }),
	col("policy_revision", func(r *row) *uint64 { return &r.policyRevision }),
	col("policy_rule", func(r *row) *string { return &r.policyRule }),
	col("policy_action", func(r *row) *string { return &r.policyAction }),
	col("policy_logs", func(r *row) *[]string { return &r.policyLogs }),
	col("rate_limit_decision", func(r *row) *string { return &r.rateLimitDecision }),
	col("rate_limit_bucket", func(r *row) *string { return &r.rateLimitKey }),
	col("basic_auth_decision", func(r *row) *string { return &r.basicAuthDecision }),
	col("user_name", func(r *row) *string { return &r.userName }),
	col("replay_of", func(r *row) *string { return &r.replayOf }),
	col("trace_id", func(r *row) *string { return &r.traceID }),
	singleCol("policy_trace", func(r *row) *[]byte { return &r.policyTrace }),
}

var (
	insertSQL  = "INSERT INTO exchanges (" + names(fields) + ")"
	bodyFields = without(fields, func(f field) bool { return f.single })
	listFields = without(bodyFields, func(f field) bool { return f.bulky })
)

func names(fields []field) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return strings.Join(all, ", ")
}

func without(all []field, left func(field) bool) []field {
	return slices.DeleteFunc(slices.Clone(all), left)
}

// chosen is the fields of an answer with many exchanges.
func chosen(bodies bool) []field {
	if bodies {
		return bodyFields
	}
	return listFields
}

func (r *row) targets(fields []field) []any {
	targets := make([]any, len(fields))
	for i, f := range fields {
		targets[i] = f.target(r)
	}
	return targets
}
