package proxy_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/clock"
	"sluice.dev/services/proxy/internal/certs"
)

// TestGRPCPasses calls a gRPC API through the proxy: HTTP/2 on both sides, trailers,
// streams, errors. The API speaks TLS.
func TestGRPCPasses(t *testing.T) {
	upstreamCerts, err := certs.Open(certs.Config{AuthorityDir: t.TempDir()}, clock.System{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	secure := grpc.Creds(credentials.NewTLS(&tls.Config{GetCertificate: upstreamCerts.GetCertificate, NextProtos: []string{"h2"}}))
	address, state := startHealth(t, secure)
	grpcPasses(t, &policyv1.Upstream{Url: "https://" + address, TlsSkipVerify: true}, state)
}

// TestGRPCPassesInClear is the same with an API that speaks HTTP/2 without TLS.
func TestGRPCPassesInClear(t *testing.T) {
	address, state := startHealth(t)
	grpcPasses(t, &policyv1.Upstream{Url: "http://" + address, Protocol: policyv1.UpstreamProtocol_UPSTREAM_PROTOCOL_HTTP2}, state)
}

// startHealth serves gRPC's health service.
func startHealth(t *testing.T, opts ...grpc.ServerOption) (address string, state *health.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	api := grpc.NewServer(opts...)
	state = health.NewServer()
	healthv1.RegisterHealthServer(api, state)
	go func() { _ = api.Serve(l) }()
	t.Cleanup(api.Stop)
	return l.Addr().String(), state
}

// grpcPasses calls with TLS and with prior knowledge of HTTP/2.
func grpcPasses(t *testing.T, up *policyv1.Upstream, state *health.Server) {
	e, plain := endpoint("", ""), endpoint("", "")
	e.Url, e.Upstream = "https://grpc.localhost", up
	plain.Id, plain.Url, plain.Upstream = "ep_2", "http://grpc.localhost", up
	_, policy := newPolicyServer(t, e, plain)
	c, capture := newCaptureServer(t)
	r := run(t, t.TempDir(), policy.address, capture.address).ready()
	pem, err := os.ReadFile(r.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	secure := credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: "grpc.localhost"})
	callHealth(t, r.HTTPSAddress(), secure, state)
	eventually(t, "the records", func() bool { return c.stored() == 3 })
	callHealth(t, r.HTTPAddress(), insecure.NewCredentials(), state)
	eventually(t, "the records without TLS", func() bool { return c.stored() == 6 })
}

func callHealth(t *testing.T, address string, creds credentials.TransportCredentials, state *health.Server) {
	t.Helper()
	state.SetServingStatus("s", healthv1.HealthCheckResponse_SERVICE_UNKNOWN)
	conn, err := grpc.NewClient(address, grpc.WithAuthority("grpc.localhost"), grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := healthv1.NewHealthClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if res, err := client.Check(ctx, &healthv1.HealthCheckRequest{}); err != nil || res.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Fatal(res, err)
	}
	if _, err := client.Check(ctx, &healthv1.HealthCheckRequest{Service: "none"}); status.Code(err) != codes.NotFound {
		t.Errorf("an error's trailers: %v", err)
	}
	watch, err := client.Watch(ctx, &healthv1.HealthCheckRequest{Service: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if res, err := watch.Recv(); err != nil || res.GetStatus() != healthv1.HealthCheckResponse_SERVICE_UNKNOWN {
		t.Errorf("first message of the stream: %v %v", res, err)
	}
	state.SetServingStatus("s", healthv1.HealthCheckResponse_SERVING)
	if res, err := watch.Recv(); err != nil || res.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("second message of the stream: %v %v", res, err)
	}
}

// TestLoopIsRefused points an endpoint at the proxy itself.
func TestLoopIsRefused(t *testing.T) {
	p, policy := newPolicyServer(t, endpoint("http://127.0.0.1:1", ""))
	r := run(t, t.TempDir(), policy.address, nowhere).ready()
	loop := endpoint("http://"+r.HTTPAddress(), "")
	loop.Revision = 2
	p.change(delta(loop))
	eventually(t, "revision 2", func() bool { return r.status().GetRevision() == 2 })
	if code, _, _ := r.get("/"); code != 508 {
		t.Errorf("%d", code)
	}
	r.seen(2) // the request, and the one that came back
}
