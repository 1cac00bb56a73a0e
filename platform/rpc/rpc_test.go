package rpc_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endpoints answers GetEndpoint in the way that the id asks for.
type endpoints struct {
	policyv1.UnimplementedEndpointServiceServer
}

func (endpoints) GetEndpoint(ctx context.Context, req *policyv1.GetEndpointRequest) (*policyv1.GetEndpointResponse, error) {
	switch req.GetId() {
	case "missing":
		return nil, errs.NotFound("endpoint", "missing")
	case "broken":
		return nil, errors.New("password=hunter2")
	case "panics":
		panic("out of luck")
	}
	if _, ok := ctx.Deadline(); !ok {
		return nil, errs.Invalid("the call has no deadline")
	}
	return &policyv1.GetEndpointResponse{Endpoint: &policyv1.Endpoint{Id: req.GetId(), Name: rpc.Principal(ctx)}}, nil
}

func serve(t *testing.T, server rpc.ServerConfig, client rpc.ClientConfig) policyv1.EndpointServiceClient {
	t.Helper()
	server.Listen = "127.0.0.1:0"
	s, err := rpc.NewServer(server, telemetry.Nop())
	if err != nil {
		t.Fatal(err)
	}
	policyv1.RegisterEndpointServiceServer(s, endpoints{})
	if err := s.Bind(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	conn, err := rpc.Dial(s.Target(), client, telemetry.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("the server stopped with %v", err)
		}
	})
	return policyv1.NewEndpointServiceClient(conn)
}

func TestErrorsAsTheCallerSeesThem(t *testing.T) {
	c := serve(t, rpc.ServerConfig{}, rpc.ClientConfig{})
	for id, want := range map[string]struct {
		code   codes.Code
		reason errs.Reason
		text   string
	}{
		"missing": {codes.NotFound, errs.ReasonNotFound, `no endpoint has the id "missing"`},
		"broken":  {codes.Internal, errs.ReasonInternal, "internal error"},
		"panics":  {codes.Internal, errs.ReasonInternal, "internal error"},
		"":        {codes.InvalidArgument, errs.ReasonInvalid, "id"},
	} {
		_, err := c.GetEndpoint(t.Context(), &policyv1.GetEndpointRequest{Id: id})
		e := errs.As(err)
		if e == nil || e.Code != want.code || e.Reason != want.reason || !strings.Contains(e.Message, want.text) {
			t.Errorf("%q: got %v", id, err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the cause reached the caller: %v", id, err)
		}
	}
}

func TestEveryCallHasADeadlineAndAPrincipal(t *testing.T) {
	c := serve(t, rpc.ServerConfig{}, rpc.ClientConfig{})
	res, err := c.GetEndpoint(rpc.WithPrincipal(context.Background(), "ak_1"), &policyv1.GetEndpointRequest{Id: "x"})
	if err != nil || res.GetEndpoint().GetName() != "ak_1" {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestClusterKey(t *testing.T) {
	right, wrong := key(t, "a key that is long enough"), key(t, "another key, also long")
	c := serve(t, rpc.ServerConfig{ClusterKey: right}, rpc.ClientConfig{ClusterKey: right})
	if _, err := c.GetEndpoint(t.Context(), &policyv1.GetEndpointRequest{Id: "x"}); err != nil {
		t.Errorf("with the key: %v", err)
	}
	for name, k := range map[string]rpc.ClusterKey{"wrong": wrong, "none": {}} {
		c := serve(t, rpc.ServerConfig{ClusterKey: right}, rpc.ClientConfig{ClusterKey: k})
		_, err := c.GetEndpoint(t.Context(), &policyv1.GetEndpointRequest{Id: "x"})
		if e := errs.As(err); e == nil || e.Code != codes.Unauthenticated {
			t.Errorf("key %s: got %v", name, err)
		}
	}
}

func TestListeningWiderNeedsAKey(t *testing.T) {
	for listen, ok := range map[string]bool{
		"127.0.0.1:0": true, "[::1]:0": true, "localhost:0": true, "unix:///tmp/x.sock": true,
		"0.0.0.0:0": false, ":4051": false, "10.0.0.1:0": false,
	} {
		_, err := rpc.NewServer(rpc.ServerConfig{Listen: listen}, telemetry.Nop())
		if (err == nil) != ok {
			t.Errorf("%s: %v", listen, err)
		}
	}
}

func key(t *testing.T, secret string) rpc.ClusterKey {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return rpc.ClusterKey{ClusterKeyFile: file}
}
