package event

import (
	"net/http"

	"google.golang.org/protobuf/types/known/durationpb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// httpFields are the request, its response, and the times of both.
var httpFields = []Field{
	recorded("error.code", "Code of the gateway's error.", func(x *capturev1.Exchange) any { return text(x.GetError().GetCode()) }),
	recorded("error.message", "Text of the gateway's error.", func(x *capturev1.Exchange) any { return text(x.GetError().GetMessage()) }),
	elapsed("http.connect_duration_ms", "Connecting to the upstream; missing on a connection that was there, in milliseconds.", (*capturev1.Timings).GetConnect),
	recorded("http.duration_ms", "First request byte to last response byte, in milliseconds.", func(x *capturev1.Exchange) any {
		return millis(x.GetTimings().GetDuration().AsDuration())
	}),
	elapsed("http.first_byte_duration_ms", "Request head to first response byte, in milliseconds.", (*capturev1.Timings).GetFirstByte),
	elapsed("http.policy_duration_ms", "Time spent in the Traffic Policy, in milliseconds.", (*capturev1.Timings).GetPolicy),
	recorded("http.request.body_length", "Whole length of the request body in bytes.", func(x *capturev1.Exchange) any { return x.GetRequest().GetBody().GetSize() }),
	recorded("http.request.headers", "Headers: lists of values by canonical name.", func(x *capturev1.Exchange) any { return headers(x.GetRequest().GetHeaders()) }),
	recorded("http.request.id", "Id of the exchange.", func(x *capturev1.Exchange) any { return text(x.GetId()) }),
	recorded("http.request.last_byte_ts", "When the last byte of the request had come.", func(x *capturev1.Exchange) any {
		if x.GetTimings().GetRequestReceived() == nil {
			return nil
		}
		return stamp(x.GetStartTime().AsTime().Add(x.GetTimings().GetRequestReceived().AsDuration()))
	}),
	recorded("http.request.method", "Method, upper case.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetMethod()) }),
	recorded("http.request.url.host", "Host, with the port when the client named one.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetHost()) }),
	recorded("http.request.url.path", "Path, decoded once.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetPath()) }),
	recorded("http.request.url.port", "Port the request was sent to.", func(x *capturev1.Exchange) any { return number(x.GetConnection().GetServerPort()) }),
	recorded("http.request.url.query", "Query without the question mark.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetQuery()) }),
	recorded("http.request.url.raw", "URL as the client wrote it.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetUrl()) }),
	recorded("http.request.url.scheme", "http or https.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetScheme()) }),
	recorded("http.request.user_agent", "The User-Agent header.", userAgent),
	recorded("http.request.version", "Protocol, such as HTTP/1.1.", func(x *capturev1.Exchange) any { return text(x.GetRequest().GetHttpVersion()) }),
	elapsed("http.request_duration_ms", "Request head to last byte of its body, in milliseconds.", (*capturev1.Timings).GetRequestReceived),
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
	recorded("http.route", "Template of the path, such as /users/{id}.", func(x *capturev1.Exchange) any { return text(x.GetRoute()) }),
	elapsed("http.tls_handshake_duration_ms", "TLS handshake with the upstream; missing without one, in milliseconds.", (*capturev1.Timings).GetTlsHandshake),
	elapsed("http.upstream_duration_ms", "Time the upstream took, in milliseconds.", (*capturev1.Timings).GetUpstream),
	elapsed("http.upstream_first_byte_duration_ms", "Request to the upstream to first byte of its response, in milliseconds.", (*capturev1.Timings).GetUpstreamFirstByte),
}

func answered(x *capturev1.Exchange, value func(*capturev1.Response) any) any {
	if x.GetResponse() == nil {
		return nil
	}
	return value(x.GetResponse())
}

func elapsed(path, doc string, value func(*capturev1.Timings) *durationpb.Duration) Field {
	return recorded(path, doc, func(x *capturev1.Exchange) any {
		d := value(x.GetTimings())
		if d == nil {
			return nil
		}
		return millis(d.AsDuration())
	})
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
