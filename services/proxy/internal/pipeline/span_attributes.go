package pipeline

import (
	"net"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// The names are those of OpenTelemetry's semantic conventions for HTTP and TLS; what
// these have no name for begins with "sluice.". Queries, headers and whatever else may
// hold a secret are left to the record.

// requestAttributes are what a span of a client's request has from its beginning.
func (x *exchange) requestAttributes() []attribute.KeyValue {
	out := append(serverAttributes(x.host),
		methodAttribute(x.req.Method), attribute.String("url.scheme", x.scheme), attribute.String("url.path", x.req.RawPath()),
		attribute.String("client.address", x.conn.ClientAddr.Addr().String()), attribute.Int("client.port", int(x.conn.ClientAddr.Port())),
		attribute.String("network.protocol.name", "http"), attribute.String("network.protocol.version", protocolVersion(x.req.Proto)),
		attribute.String("sluice.exchange_id", x.id),
	)
	if t := x.conn.TLS; t != nil {
		out = append(out, attribute.String("tls.protocol.name", "tls"), attribute.String("tls.protocol.version", t.Version),
			attribute.String("tls.cipher", t.CipherSuite), attribute.Bool("tls.resumed", t.Resumed))
		out = appendText(out, "tls.next_protocol", t.ALPN)
		out = appendText(out, "sluice.tls.client.ja4", t.JA4)
	}
	return out
}

// resultAttributes are what it has in the end.
func (x *exchange) resultAttributes() []attribute.KeyValue {
	var out []attribute.KeyValue
	if x.endpoint != nil {
		out = append(out, attribute.String("sluice.endpoint_id", x.endpoint.ID))
	}
	if x.status > 0 {
		out = append(out, attribute.Int("http.response.status_code", x.status))
	}
	failure := ""
	if x.status >= 500 {
		failure = strconv.Itoa(x.status)
	}
	if x.record != nil {
		out = appendText(out, "sluice.policy.rule", x.record.Policy.Rule)
		out = appendText(out, "sluice.policy.action", x.record.Policy.Action)
		out = appendText(out, "sluice.error_code", x.record.ErrorCode)
		if x.record.ErrorCode != "" && (x.status >= 500 || x.status == 0) {
			failure = x.record.ErrorCode
		}
	}
	return appendText(out, "error.type", failure)
}

func appendText(out []attribute.KeyValue, key, value string) []attribute.KeyValue {
	if value == "" {
		return out
	}
	return append(out, attribute.String(key, value))
}

// serverAttributes take host and port apart; the port may be missing.
func serverAttributes(address string) []attribute.KeyValue {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return []attribute.KeyValue{attribute.String("server.address", strings.Trim(address, "[]"))}
	}
	out := []attribute.KeyValue{attribute.String("server.address", host)}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		out = append(out, attribute.Int("server.port", int(n)))
	}
	return out
}

// methodAttribute says _OTHER for a method that is not a known one, as the
// conventions want: clients could make up any number of others.
func methodAttribute(method string) attribute.KeyValue {
	if spanName(method) != method {
		method = "_OTHER"
	}
	return attribute.String("http.request.method", method)
}

// protocolVersion is the conventions' form: 1.0, 1.1, and 2 for HTTP/2.0.
func protocolVersion(proto string) string {
	if proto == "HTTP/2.0" {
		return "2"
	}
	return strings.TrimPrefix(proto, "HTTP/")
}
