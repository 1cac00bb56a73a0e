package gateway_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
)

func (s *system) dial() *grpc.ClientConn {
	s.t.Helper()
	conn, err := rpc.Dial(s.gateway.Target(), rpc.ClientConfig{}, telemetry.Nop())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func as(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func TestCallsOverGRPC(t *testing.T) {
	s := start(t, withBootstrap(t))
	s.policy.addKey("reader", policyv1.Scope_SCOPE_READ)
	s.policy.addKey("writer", policyv1.Scope_SCOPE_WRITE)
	endpoints := policyv1.NewEndpointServiceClient(s.dial())
	if _, err := endpoints.GetEndpoint(t.Context(), &policyv1.GetEndpointRequest{Id: "ep_1"}); !errs.Is(err, errs.ReasonNoKey) {
		t.Errorf("without key: %v", err)
	}
	create := &policyv1.CreateEndpointRequest{Endpoint: &policyv1.Endpoint{Url: "https://a.example"}}
	if _, err := endpoints.CreateEndpoint(as(t.Context(), "reader"), create); !errs.Is(err, errs.ReasonScope) {
		t.Errorf("without scope: %v", err)
	}
	got, err := endpoints.CreateEndpoint(as(t.Context(), "writer"), create)
	if err != nil || got.GetEndpoint().GetUrl() != "https://a.example" || s.policy.principal != "ak_writer" {
		t.Errorf("create: %v %v for %s", got, err, s.policy.principal)
	}
	create.Endpoint.TrafficPolicy = "wrong"
	_, err = endpoints.CreateEndpoint(as(t.Context(), "writer"), create)
	if e := errs.As(err); e == nil || len(e.Violations) != 1 || e.Violations[0].Line != 3 || e.Violations[0].Hint == "" {
		t.Errorf("the violation is lost: %+v", e)
	}
}

func TestInternalMethodsAreNotServed(t *testing.T) {
	s := start(t, nil)
	_, err := policyv1.NewApiKeyServiceClient(s.dial()).AuthenticateApiKey(t.Context(), &policyv1.AuthenticateApiKeyRequest{Token: "x"})
	if e := errs.As(err); e == nil || e.Code != codes.Unimplemented {
		t.Errorf("got %v", err)
	}
}

func TestStreamsOverGRPC(t *testing.T) {
	s := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := capturev1.NewCaptureServiceClient(s.dial()).TailExchanges(ctx, &capturev1.TailExchangesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "the stream", func() bool { return s.capture.open() == 1 })
	for _, id := range []string{"ex_a", "ex_b"} {
		s.capture.add(id)
		if got, err := stream.Recv(); err != nil || got.GetExchange().GetId() != id {
			t.Fatalf("got %v %v", got, err)
		}
	}
	cancel()
	wait(t, "the end of the stream", func() bool { return s.capture.open() == 0 })
}

func TestReflectionAndHealth(t *testing.T) {
	s := start(t, withBootstrap(t))
	conn := s.dial()
	health, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: "sluice.policy.v1.EndpointService"})
	if err != nil || health.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health: %v %v", health, err)
	}
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil || !strings.Contains(answer.String(), "sluice.events.v1.MonitorService") {
		t.Errorf("reflection: %v %v", answer, err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
	for {
		if _, err := stream.Recv(); err != nil {
			break
		}
	}
}
