package telemetry_test

import (
	"context"
	"net"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"sluice.dev/platform/telemetry"
)

// collector is an OTLP receiver that keeps the names of spans.
type collector struct {
	collectorv1.UnimplementedTraceServiceServer
	spans chan string
}

func (c *collector) Export(_ context.Context, req *collectorv1.ExportTraceServiceRequest) (*collectorv1.ExportTraceServiceResponse, error) {
	for _, resource := range req.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans <- resource.GetResource().GetAttributes()[0].GetValue().GetStringValue() + " " + span.GetName()
			}
		}
	}
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

func TestTracesReachACollector(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, server := &collector{spans: make(chan string, 1)}, grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)

	tel, err := telemetry.New(t.Context(), "policy", telemetry.Config{OTLPEndpoint: "http://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Tracer.Tracer("test").Start(t.Context(), "decide")
	span.End()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-c.spans; got != "sluice-policy decide" {
		t.Errorf("the collector got %q", got)
	}
}

func TestNoTracesUnlessConfigured(t *testing.T) {
	tel, err := telemetry.New(t.Context(), "policy", telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, span := tel.Tracer.Tracer("test").Start(t.Context(), "decide"); span.IsRecording() {
		t.Error("spans are recorded although nobody takes them")
	}
}
