package search

import (
	"net/netip"
	"strings"
	"time"
)

// column is one of those that the language reads, as the capture store declares it.
type column struct{ name, kind string }

var columns = []column{
	{"id", "String"}, {"endpoint_id", "LowCardinality(String)"}, {"endpoint_name", "LowCardinality(String)"},
	{"endpoint_url", "LowCardinality(String)"}, {"ts", "DateTime64(9, 'UTC')"}, {"duration_ns", "UInt64"},
	{"upstream_duration_ns", "Nullable(UInt64)"}, {"client_ip", "IPv6"}, {"client_port", "UInt16"},
	{"server_ip", "IPv6"}, {"server_port", "UInt16"}, {"scheme", "LowCardinality(String)"},
	{"method", "LowCardinality(String)"}, {"host", "String"}, {"path", "String"}, {"query", "String"}, {"url", "String"},
	{"http_version", "LowCardinality(String)"}, {"user_agent", "String"}, {"status", "Nullable(UInt16)"},
	{"req_headers", "Map(LowCardinality(String), Array(String))"}, {"res_headers", "Map(LowCardinality(String), Array(String))"},
	{"req_body", "String"}, {"res_body", "String"}, {"req_body_size", "UInt64"}, {"res_body_size", "UInt64"},
	{"req_body_truncated", "Bool"}, {"res_body_truncated", "Bool"}, {"error_code", "LowCardinality(String)"},
	{"error_message", "String"}, {"policy_action", "LowCardinality(String)"}, {"policy_rule", "String"},
	{"policy_revision", "UInt64"}, {"rate_limit_decision", "LowCardinality(String)"}, {"rate_limit_bucket", "String"},
	{"basic_auth_decision", "LowCardinality(String)"}, {"user_name", "String"}, {"replay_of", "String"},
	{"trace_id", "String"}, {"tls_version", "LowCardinality(String)"}, {"tls_cipher", "LowCardinality(String)"},
	{"tls_sni", "String"}, {"message", "String"}, {"bytes_in", "UInt64"}, {"bytes_out", "UInt64"},
	{"route", "LowCardinality(String)"}, {"kept_by", "LowCardinality(String)"}, {"proxy_id", "LowCardinality(String)"},
	{"client_country", "LowCardinality(String)"}, {"client_country_name", "LowCardinality(String)"},
	{"client_continent", "LowCardinality(String)"}, {"client_subdivision", "LowCardinality(String)"},
	{"client_city", "LowCardinality(String)"}, {"client_asn", "UInt32"}, {"client_as_organization", "LowCardinality(String)"},
	{"tls_ja4", "LowCardinality(String)"}, {"tls_client_subject", "LowCardinality(String)"}, {"tls_client_serial", "LowCardinality(String)"},
	{"message_count", "UInt32"}, {"first_byte_ns", "Nullable(UInt64)"}, {"request_received_ns", "Nullable(UInt64)"},
	{"upstream_first_byte_ns", "Nullable(UInt64)"}, {"connect_ns", "Nullable(UInt64)"}, {"tls_handshake_ns", "Nullable(UInt64)"},
	{"upstream_address", "LowCardinality(String)"}, {"upstream_reused", "Bool"}, {"upstream_failures", "UInt16"},
	{"policy_logs", "Array(String)"}, {"policy_decisions", "Map(LowCardinality(String), LowCardinality(String))"},
	{"redacted_by", "Array(LowCardinality(String))"},
}

func createTable() string {
	defs := make([]string, len(columns))
	for i, c := range columns {
		defs[i] = c.name + " " + c.kind
	}
	return "CREATE TABLE captures (" + strings.Join(defs, ", ") + ") ENGINE = MergeTree ORDER BY (ts, id)"
}

// values are the row's columns in order, as the driver wants them.
func (r row) values() []any {
	list := make([]any, len(columns))
	for i, c := range columns {
		list[i] = r.value(c)
	}
	return list
}

func (r row) value(c column) any {
	n, has := r.number[c.name]
	switch {
	case c.name == "ts":
		return time.Unix(0, n).UTC()
	case c.name == "policy_decisions":
		scalars := map[string]string{}
		for name, values := range r.headers[c.name] {
			scalars[name] = first(values)
		}
		return scalars
	case strings.HasPrefix(c.kind, "Map"):
		return r.headers[c.name]
	case strings.HasPrefix(c.kind, "Array"):
		return r.lists[c.name]
	case c.kind == "IPv6":
		if addr, ok := r.addr[c.name]; ok {
			return netip.AddrFrom16(addr.As16())
		}
		return netip.IPv6Unspecified()
	case c.kind == "Bool":
		return n != 0
	case c.kind == "UInt16":
		return uint16(n)
	case c.kind == "UInt32":
		return uint32(n)
	case c.kind == "UInt64":
		return uint64(n)
	case !has && strings.HasPrefix(c.kind, "Nullable"):
		return nil
	case c.kind == "Nullable(UInt16)":
		return new(uint16(n))
	case c.kind == "Nullable(UInt64)":
		return new(uint64(n))
	}
	return r.text[c.name]
}
