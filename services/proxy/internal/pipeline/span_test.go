package pipeline_test

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/pipeline"
)

// traced serves a request with a tracer.
func traced(t *testing.T, req *message.Request, prepare ...func(*seen, *taken)) (result, tracetest.SpanStubs) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	r := serve(t, "", pipeline.Config{Tracer: provider.Tracer("test")}, connection("192.0.2.1:1"), req, prepare...)
	return r, spans.GetSpans()
}

func value(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if a.Key == attribute.Key(key) {
			return a.Value.String()
		}
	}
	return ""
}

func TestSpansContinueTheCallersTrace(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	r, spans := traced(t, request("Traceparent", parent, "Tracestate", "v=1"))
	if len(spans) != 2 {
		t.Fatalf("%d spans, want two", len(spans))
	}
	call, server := spans[0], spans[1]
	if call.SpanKind != trace.SpanKindClient || server.SpanKind != trace.SpanKindServer || call.Parent.SpanID() != server.SpanContext.SpanID() || server.Parent.SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("%v of %v, %v of %v", call.SpanKind, call.Parent, server.SpanKind, server.Parent)
	}
	want := "00-0af7651916cd43dd8448eb211c80319c-" + call.SpanContext.SpanID().String() + "-01"
	if h := r.up.request.Header; strings.Join(h.Values("traceparent"), "|") != want || h.Get("tracestate") != "v=1" {
		t.Errorf("the upstream got %s", fields(h))
	}
	if value(server, "http.response.status_code") != "200" || value(server, "sluice.exchange_id") != r.record.GetId() || value(server, "sluice.endpoint_id") != "ep_1" || value(server, "url.path") != "/v1/users" {
		t.Errorf("attributes %v", server.Attributes)
	}
	if value(call, "server.address") == "" || value(call, "http.response.status_code") != "200" {
		t.Errorf("attributes %v", call.Attributes)
	}
	if r.record.GetTraceId() != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("recorded %q", r.record.GetTraceId())
	}
}

func TestSpansOfARequestWithoutTrace(t *testing.T) {
	r, spans := traced(t, request(), func(s *seen, _ *taken) {
		s.response = func() *message.Response { return message.NewResponse(502, nil, "") }
	})
	id := spans[1].SpanContext.TraceID().String()
	if r.record.GetTraceId() != id || !strings.Contains(r.up.request.Header.Get("traceparent"), id) {
		t.Errorf("trace %s, recorded %q, sent on %q", id, r.record.GetTraceId(), r.up.request.Header.Get("traceparent"))
	}
	if spans[0].Status.Code != codes.Error || spans[1].Status.Code != codes.Error {
		t.Errorf("%v %v", spans[0].Status, spans[1].Status)
	}
}

// Names and values are those of the semantic conventions for HTTP and TLS.
func TestAttributesOfSpans(t *testing.T) {
	conn := connection("192.0.2.1:4711")
	conn.TLS = &message.TLS{Version: "1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", ALPN: "h2", Resumed: true, JA4: "t13d1516h2_8daaf6152771_02713d6af862"}
	spans := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test")
	req := request()
	req.Method, req.Proto = "BREW", "HTTP/2.0"
	serve(t, "on_http_response: [{name: gone, actions: [{type: custom-response, config: {status_code: 503}}]}]", pipeline.Config{Tracer: tracer}, conn, req)
	call, server := spans.GetSpans()[0], spans.GetSpans()[1]
	for key, want := range map[string]string{
		"http.request.method": "_OTHER", "client.address": "192.0.2.1", "client.port": "4711", "network.protocol.name": "http", "network.protocol.version": "2",
		"tls.protocol.name": "tls", "tls.protocol.version": "1.3", "tls.cipher": "TLS_AES_128_GCM_SHA256", "tls.resumed": "true", "tls.next_protocol": "h2",
		"sluice.tls.client.ja4": "t13d1516h2_8daaf6152771_02713d6af862", "sluice.policy.rule": "gone", "sluice.policy.action": "custom-response",
		"http.response.status_code": "503", "error.type": "503",
	} {
		if got := value(server, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if value(call, "server.address") == "" || strings.Contains(value(call, "server.address"), ":") || value(call, "error.type") != "" {
		t.Errorf("of the call: %v", call.Attributes)
	}
}

func TestNoSpansWithoutTracer(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	r := serve(t, "", pipeline.Config{}, connection("192.0.2.1:1"), request("Traceparent", parent))
	if got := r.up.request.Header.Get("traceparent"); got != parent || r.record.GetTraceId() != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("sent on %q, recorded %q", got, r.record.GetTraceId())
	}
	if r := serve(t, "", pipeline.Config{}, connection("192.0.2.1:1"), request()); r.up.request.Header.Has("traceparent") || r.record.GetTraceId() != "" {
		t.Errorf("a trace was made up: %s", fields(r.up.request.Header))
	}
}
