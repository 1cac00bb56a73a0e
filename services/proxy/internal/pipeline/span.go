package pipeline

import (
	"context"
	"errors"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"sluice.dev/platform/message"
	"sluice.dev/platform/telemetry"
	"sluice.dev/services/proxy/internal/upstream"
)

// beginSpan begins the span of a client's request, as part of the trace that its
// traceparent names (W3C Trace Context). Without a tracer nothing happens.
func (x *exchange) beginSpan() {
	if x.cfg.Tracer == nil {
		return
	}
	ctx := telemetry.Propagator().Extract(x.ctx, carrier{&x.req.Header})
	x.ctx, x.span = x.cfg.Tracer.Start(ctx, spanName(x.req.Method), trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(x.req.Received), trace.WithAttributes(x.requestAttributes()...))
	if x.record != nil {
		x.record.TraceID = x.span.SpanContext().TraceID().String()
	}
}

func (x *exchange) endSpan() {
	if x.span == nil {
		return
	}
	x.span.SetAttributes(x.resultAttributes()...)
	if x.status >= 500 || x.cut {
		x.span.SetStatus(codes.Error, "")
	}
	x.span.End()
}

// beginCall begins the span of a call to l's upstream and names it to that. The
// function ends it.
func (x *exchange) beginCall(l *leg) (context.Context, func(*message.Response, upstream.Call, error)) {
	if x.cfg.Tracer == nil {
		return x.ctx, func(*message.Response, upstream.Call, error) {}
	}
	ctx, span := x.cfg.Tracer.Start(x.ctx, spanName(x.req.Method), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		methodAttribute(x.req.Method), attribute.String("sluice.endpoint_id", l.endpoint.ID)))
	telemetry.Propagator().Inject(ctx, carrier{&x.req.Header})
	return ctx, func(res *message.Response, call upstream.Call, err error) { endCall(span, res, call, err) }
}

func endCall(span trace.Span, res *message.Response, call upstream.Call, err error) {
	span.SetAttributes(serverAttributes(call.Address)...)
	if n := len(call.Failed); n > 0 {
		span.SetAttributes(attribute.Int("http.request.resend_count", n))
	}
	var f *upstream.CallError
	switch {
	case errors.As(err, &f):
		span.SetAttributes(attribute.String("error.type", f.Code))
		span.SetStatus(codes.Error, f.Message)
	case err != nil:
		span.SetStatus(codes.Error, "the client went away")
	default:
		span.SetAttributes(attribute.Int("http.response.status_code", res.Status), attribute.String("network.protocol.name", "http"),
			attribute.String("network.protocol.version", protocolVersion(call.Proto)), attribute.Bool("sluice.upstream.connection_reused", call.Reused))
		if res.Status >= 400 {
			span.SetAttributes(attribute.String("error.type", strconv.Itoa(res.Status)))
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
}

// spanName is the method, if that is a known one: clients could make up any number
// of others.
func spanName(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE":
		return method
	}
	return "HTTP"
}

// carrier gives the propagator a request's header.
type carrier struct{ header *message.Header }

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(key string) string { return c.header.Get(key) }

// Set implements propagation.TextMapCarrier.
func (c carrier) Set(key, value string) { c.header.Set(key, value) }

// Keys implements propagation.TextMapCarrier.
func (c carrier) Keys() []string {
	names := make([]string, len(*c.header))
	for i, f := range *c.header {
		names[i] = f.Name
	}
	return names
}
