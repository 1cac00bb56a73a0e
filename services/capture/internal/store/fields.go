package store

import (
	"net/netip"
	"time"
)

// fields are the columns of exchanges that are written and read.
var fields = []field[row]{
	col("id", func(r *row) *string { return &r.id }),
	col("ts", func(r *row) *time.Time { return &r.ts }),
	detail(col("writer", func(r *row) *string { return &r.writer })),
	detail(col("seq", func(r *row) *uint64 { return &r.seq })),
	detail(col("batch_id", func(r *row) *string { return &r.batchID })),
	col("proxy_id", func(r *row) *string { return &r.proxyID }),
	col("full_capture", func(r *row) *bool { return &r.fullCapture }),
	col("kept_by", func(r *row) *string { return &r.keptBy }),
	col("endpoint_id", func(r *row) *string { return &r.endpointID }),
	col("endpoint_name", func(r *row) *string { return &r.endpointName }),
	col("endpoint_url", func(r *row) *string { return &r.endpointURL }),
	col("route", func(r *row) *string { return &r.route }),

	col("client_ip", func(r *row) *netip.Addr { return &r.clientIP }),
	col("client_port", func(r *row) *uint16 { return &r.clientPort }),
	col("server_ip", func(r *row) *netip.Addr { return &r.serverIP }),
	col("server_port", func(r *row) *uint16 { return &r.serverPort }),
	col("conn_ts", func(r *row) *time.Time { return &r.connTS }),
	col("client_country", func(r *row) *string { return &r.country }),
	col("client_country_name", func(r *row) *string { return &r.countryName }),
	col("client_continent", func(r *row) *string { return &r.continent }),
	col("client_subdivision", func(r *row) *string { return &r.subdivision }),
	col("client_city", func(r *row) *string { return &r.city }),
	col("client_asn", func(r *row) *uint32 { return &r.asn }),
	col("client_as_organization", func(r *row) *string { return &r.asOrganization }),
	col("bytes_in", func(r *row) *uint64 { return &r.bytesIn }),
	col("bytes_out", func(r *row) *uint64 { return &r.bytesOut }),
	col("tls_version", func(r *row) *string { return &r.tlsVersion }),
	col("tls_cipher", func(r *row) *string { return &r.tlsCipher }),
	col("tls_sni", func(r *row) *string { return &r.tlsSNI }),
	col("tls_protocol", func(r *row) *string { return &r.tlsProtocol }),
	col("tls_resumed", func(r *row) *bool { return &r.tlsResumed }),
	col("tls_ja4", func(r *row) *string { return &r.ja4 }),
	col("tls_client_subject", func(r *row) *string { return &r.clientSubject }),
	col("tls_client_serial", func(r *row) *string { return &r.clientSerial }),

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
	detail(headerCol("req_headers", func(r *row) *headerMap { return &r.req.headers })),
	detail(col("req_header_names", func(r *row) *[]string { return &r.req.headerNames })),
	detail(col("req_header_redacted", func(r *row) *[]string { return &r.req.redacted })),
	detail(col("req_trailers", func(r *row) *[]string { return &r.req.trailers })),
	bodyCol("req_body", func(r *row) *[]byte { return &r.req.body }),
	col("req_body_size", func(r *row) *uint64 { return &r.req.bodySize }),
	col("req_body_truncated", func(r *row) *bool { return &r.req.truncated }),
	col("req_body_decoded_size", func(r *row) *uint64 { return &r.req.decodedSize }),
	col("req_body_stored_size", func(r *row) *uint64 { return &r.req.storedSize }),

	col("status", func(r *row) **uint16 { return &r.status }),
	detail(headerCol("res_headers", func(r *row) *headerMap { return &r.res.headers })),
	detail(col("res_header_names", func(r *row) *[]string { return &r.res.headerNames })),
	detail(col("res_header_redacted", func(r *row) *[]string { return &r.res.redacted })),
	detail(col("res_trailers", func(r *row) *[]string { return &r.res.trailers })),
	bodyCol("res_body", func(r *row) *[]byte { return &r.res.body }),
	col("res_body_size", func(r *row) *uint64 { return &r.res.bodySize }),
	col("res_body_truncated", func(r *row) *bool { return &r.res.truncated }),
	col("res_body_decoded_size", func(r *row) *uint64 { return &r.res.decodedSize }),
	col("res_body_stored_size", func(r *row) *uint64 { return &r.res.storedSize }),
	col("message_count", func(r *row) *uint32 { return &r.messageCount }),
	col("omitted_messages", func(r *row) *uint64 { return &r.omittedMessages }),

	col("duration_ns", func(r *row) *uint64 { return &r.durationNS }),
	col("policy_ns", func(r *row) *uint64 { return &r.policyNS }),
	col("upstream_duration_ns", func(r *row) **uint64 { return &r.upstreamDurationNS }),
	col("first_byte_ns", func(r *row) **uint64 { return &r.firstByteNS }),
	col("connect_ns", func(r *row) **uint64 { return &r.connectNS }),
	col("tls_handshake_ns", func(r *row) **uint64 { return &r.tlsHandshakeNS }),
	col("upstream_first_byte_ns", func(r *row) **uint64 { return &r.upstreamFirstByteNS }),
	col("request_received_ns", func(r *row) **uint64 { return &r.requestReceivedNS }),
	col("upstream_start_ns", func(r *row) **uint64 { return &r.upstreamStartNS }),
	col("upstream_address", func(r *row) *string { return &r.upstreamAddress }),
	col("upstream_reused", func(r *row) *bool { return &r.upstreamReused }),
	col("upstream_http_version", func(r *row) *string { return &r.upstreamHTTP }),
	col("upstream_failures", func(r *row) *uint16 { return &r.upstreamFailures }),

	col("error_code", func(r *row) *string { return &r.errorCode }),
	col("error_message", func(r *row) *string { return &r.errorMessage }),
	col("policy_revision", func(r *row) *uint64 { return &r.policyRevision }),
	col("policy_rule", func(r *row) *string { return &r.policyRule }),
	col("policy_action", func(r *row) *string { return &r.policyAction }),
	detail(col("policy_logs", func(r *row) *[]string { return &r.policyLogs })),
	detail(col("policy_decisions", func(r *row) *map[string]string { return &r.decisions })),
	detail(col("redacted_by", func(r *row) *[]string { return &r.redactedBy })),
	detail(col("extra", func(r *row) *[]byte { return &r.extra })),
	col("rate_limit_decision", func(r *row) *string { return &r.rateLimitDecision }),
	col("rate_limit_bucket", func(r *row) *string { return &r.rateLimitKey }),
	col("basic_auth_decision", func(r *row) *string { return &r.basicAuthDecision }),
	col("user_name", func(r *row) *string { return &r.userName }),
	col("replay_of", func(r *row) *string { return &r.replayOf }),
	col("trace_id", func(r *row) *string { return &r.traceID }),
	singleCol("policy_trace", func(r *row) *[]byte { return &r.policyTrace }),
}

var (
	fullFields  = without(fields, func(f field[row]) bool { return f.single })
	headFields  = without(fullFields, func(f field[row]) bool { return f.bulky })
	briefFields = without(headFields, func(f field[row]) bool { return f.detail })
)

// chosen is the fields of an answer with whole exchanges.
func chosen(bodies bool) []field[row] {
	if bodies {
		return fullFields
	}
	return headFields
}
