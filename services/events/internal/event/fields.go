package event

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Field is one path within the object of an http_request_complete.v0 event.
type Field struct {
	Path string
	Doc  string
	// Recorded is false for fields of the published schema for which Sluice has no
	// data yet: they may be selected and never appear.
	Recorded bool
	// value returns nil when the exchange has none: the field is left out then.
	value func(*capturev1.Exchange) any
}

// Fields returns the schema in alphabetical order of the paths.
func Fields() []Field { return slices.Clone(fields) }

func recorded(path, doc string, value func(*capturev1.Exchange) any) Field {
	return Field{Path: path, Doc: doc, Recorded: true, value: value}
}

func known(path, doc string) Field {
	return Field{Path: path, Doc: doc, value: func(*capturev1.Exchange) any { return nil }}
}

var fields = []Field{
	recorded("backend.connection_reused", "Whether the connection to the upstream was reused.", func(x *capturev1.Exchange) any {
		if x.GetUpstream() == nil {
			return nil
		}
		return x.GetUpstream().GetConnectionReused()
	}),
	recorded("basic_auth.decision", "allow or block.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetBasicAuthDecision()) }),
	recorded("basic_auth.username", "User name of basic authentication.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetUserName()) }),
	known("circuit_breaker.decision", "allow, block or allow_while_open."),
	known("compression.algorithm", "gzip, deflate or none."),
	known("compression.bytes_saved", "Bytes that compression saved."),
	recorded("conn.bytes_in", "Bytes from the client, heads and bodies.", func(x *capturev1.Exchange) any { return x.GetConnection().GetBytesIn() }),
	recorded("conn.bytes_out", "Bytes to the client, heads and bodies.", func(x *capturev1.Exchange) any { return x.GetConnection().GetBytesOut() }),
	recorded("conn.client_ip", "Address of the client.", func(x *capturev1.Exchange) any { return text(x.GetConnection().GetClientIp()) }),
	recorded("conn.client_port", "Port of the client.", func(x *capturev1.Exchange) any { return number(x.GetConnection().GetClientPort()) }),
	recorded("conn.server_ip", "Address the client connected to.", func(x *capturev1.Exchange) any { return text(x.GetConnection().GetServerIp()) }),
	recorded("conn.server_name", "Name in the TLS handshake, else the host of the request.", serverName),
	recorded("conn.server_port", "Port the client connected to.", func(x *capturev1.Exchange) any { return number(x.GetConnection().GetServerPort()) }),
	recorded("conn.start_ts", "When the connection began.", func(x *capturev1.Exchange) any {
		if x.GetConnection().GetStartTime() == nil {
			return nil
		}
		return stamp(x.GetConnection().GetStartTime().AsTime())
	}),
	recorded("endpoint.id", "Id of the endpoint.", func(x *capturev1.Exchange) any { return text(x.GetEndpointId()) }),
	recorded("endpoint.name", "Name of the endpoint.", func(x *capturev1.Exchange) any { return text(x.GetEndpointName()) }),
	recorded("endpoint.url", "Public URL of the endpoint.", func(x *capturev1.Exchange) any { return text(x.GetEndpointUrl()) }),
	recorded("error.code", "Code of the gateway's error.", func(x *capturev1.Exchange) any { return text(x.GetError().GetCode()) }),
	recorded("error.message", "Text of the gateway's error.", func(x *capturev1.Exchange) any { return text(x.GetError().GetMessage()) }),
	recorded("http.duration_ms", "First request byte to last response byte, in milliseconds.", func(x *capturev1.Exchange) any {
		return millis(x.GetTimings().GetDuration().AsDuration())
	}),
	recorded("http.request.body_length", "Whole length of the request body in bytes.", func(x *capturev1.Exchange) any { return x.GetRequest().GetBody().GetSize() }),
	recorded("http.request.headers", "Headers: lists of values by canonical name.", func(x *capturev1.Exchange) any { return headers(x.GetRequest().GetHeaders()) }),
	recorded("http.request.id", "Id of the exchange.", func(x *capturev1.Exchange) any { return text(x.GetId()) }),
	recorded("http.request.method", "Method, upper case.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetMethod()) }),
	recorded("http.request.url.host", "Host, with the port when the client named one.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetHost()) }),
	recorded("http.request.url.path", "Path, decoded once.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetPath()) }),
	recorded("http.request.url.port", "Port the request was sent to.", func(x *capturev1.Exchange) any { return number(x.GetConnection().GetServerPort()) }),
	recorded("http.request.url.query", "Query without the question mark.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetQuery()) }),
	recorded("http.request.url.raw", "URL as the client wrote it.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetUrl()) }),
	recorded("http.request.url.scheme", "http or https.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetScheme()) }),
	recorded("http.request.user_agent", "The User-Agent header.", userAgent),
	recorded("http.request.version", "Protocol, such as HTTP/1.1.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetHttpVersion()) }),
	recorded("http.response.body_length", "Whole length of the response body in bytes.", func(x *capturev1.Exchange) any {
		return answered(x, func(r *capturev1.Response) any { return r.GetBody().GetSize() })
	}),
	recorded("http.response.first_byte_ts", "When the first response byte was sent.", func(x *capturev1.Exchange) any {
		if x.GetTimings().GetFirstByte() == nil {
			return nil
		}
		return stamp(x.GetStartTime().AsTime().Add(x.GetTimings().GetFirstByte().AsDuration()))
	}),
	recorded("http.response.headers", "Headers: lists of values by canonical name.", func(x *capturev1.Exchange) any {
		return answered(x, func(r *capturev1.Response) any { return headers(r.GetHeaders()) })
	}),
	recorded("http.response.last_byte_ts", "When the last response byte was sent.", func(x *capturev1.Exchange) any {
		return answered(x, func(*capturev1.Response) any { return stamp(Completed(x)) })
	}),
	recorded("http.response.status_code", "Status that the client got.", func(x *capturev1.Exchange) any {
		return answered(x, func(r *capturev1.Response) any { return number(r.GetStatusCode()) })
	}),
	recorded("http.upstream_duration_ms", "Time the upstream took, in milliseconds.", func(x *capturev1.Exchange) any {
		if x.GetTimings().GetUpstream() == nil {
			return nil
		}
		return millis(x.GetTimings().GetUpstream().AsDuration())
	}),
	known("ip_policy.decision", "allow or block."),
	known("ja4_fingerprint", "JA4 fingerprint of the client."),
	known("oauth.app_client_id", "OAuth application."),
	known("oauth.decision", "What OAuth decided."),
	known("oauth.user.id", "Id of the user at the identity provider."),
	known("oauth.user.name", "Name of the user at the identity provider."),
	recorded("rate_limit.bucket_key", "Bucket that the rate limit counted in.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetRateLimitBucket()) }),
	recorded("rate_limit.decision", "What the rate limit decided.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetRateLimitDecision()) }),
	recorded("replay.original_request_id", "Id of the exchange that this one replays.", func(x *capturev1.Exchange) any { return text(x.GetReplayOf()) }),
	recorded("tls.cipher_suite", "Cipher suite.", func(x *capturev1.Exchange) any { return text(x.GetConnection().GetTls().GetCipherSuite()) }),
	known("tls.client_cert.serial_number", "Serial number of the client certificate."),
	known("tls.client_cert.subject.cn", "Common name of the client certificate."),
	recorded("tls.version", "TLS version.", func(x *capturev1.Exchange) any { return text(x.GetConnection().GetTls().GetVersion()) }),
	recorded("traffic_policy.action", "Policy action that answered.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetAction()) }),
	recorded("traffic_policy.logs", "Entries of the log action.", policyLogs),
	recorded("traffic_policy.revision", "Revision of the endpoint whose policy ran.", func(x *capturev1.Exchange) any { return number(x.GetPolicy().GetRevision()) }),
	recorded("traffic_policy.rule", "Policy rule that answered.", func(x *capturev1.Exchange) any { return text(x.GetPolicy().GetRule()) }),
	known("webhook_verification.decision", "allow or block."),
}

// text, number: an empty value is no value.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func number[N uint32 | uint64](n N) any {
	if n == 0 {
		return nil
	}
	return n
}

func millis(d time.Duration) any { return float64(d.Nanoseconds()) / 1e6 }

func stamp(t time.Time) any { return t.UTC().Format(time.RFC3339Nano) }

func answered(x *capturev1.Exchange, value func(*capturev1.Response) any) any {
	if x.GetResponse() == nil {
		return nil
	}
	return value(x.GetResponse())
}

func serverName(x *capturev1.Exchange) any {
	if sni := x.GetConnection().GetTls().GetServerName(); sni != "" {
		return sni
	}
	return text(hostname(x.GetRequest().GetHost()))
}

func userAgent(x *capturev1.Exchange) any {
	for _, h := range x.GetRequest().GetHeaders() {
		if http.CanonicalHeaderKey(h.GetName()) == "User-Agent" {
			return h.GetValue()
		}
	}
	return nil
}

// headers keeps values as they are: lower-casing them, as the published schema
// says, would destroy tokens and entity tags.
func headers(list []*capturev1.Header) any {
	out := make(map[string][]string, len(list))
	for _, h := range list {
		name := http.CanonicalHeaderKey(h.GetName())
		out[name] = append(out[name], h.GetValue())
	}
	return out
}

func policyLogs(x *capturev1.Exchange) any {
	entries := x.GetPolicy().GetLogs()
	if len(entries) == 0 {
		return nil
	}
	out := make([]any, len(entries))
	for i, raw := range entries {
		if json.Valid([]byte(raw)) {
			out[i] = json.RawMessage(raw)
		} else {
			out[i] = map[string]any{"metadata": map[string]any{"message": raw}}
		}
	}
	return out
}
