// Package rest serves the REST form of the API: gRPC-Gateway's handlers with
// Sluice's rules around them (keys and scopes, nothing unknown accepted, one
// error shape).
package rest

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"sluice.dev/gateway/internal/api"
	"sluice.dev/gateway/internal/apierror"
	"sluice.dev/gateway/internal/auth"
	"sluice.dev/platform/rpc"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Marshal is how messages become JSON, on REST and in events.
var Marshal = protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}

// MaxBody bounds a request body in bytes: the largest body that capture keeps
// (16 MiB), in base64, fits when it is edited and replayed.
const MaxBody = 24 << 20

type callerKey struct{}

// New returns the handler of everything under /api/. tail serves the stream of
// exchanges, for which gRPC-Gateway has no form.
func New(ctx context.Context, gate auth.Gate, backends Backends, tail http.Handler) (http.Handler, error) {
	routes := newRoutes(api.Methods())
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.JSONPb{MarshalOptions: Marshal}),
		runtime.WithErrorHandler(writeError),
		runtime.WithRoutingErrorHandler(routes.unroutable),
		runtime.WithIncomingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithOutgoingTrailerMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithMetadata(principal),
		runtime.WithForwardResponseOption(setStatus),
		runtime.WithMiddlewares(routes.admit(gate), routes.checkInput),
	)
	if err := register(ctx, mux, backends); err != nil {
		return nil, err
	}
	if err := mux.HandlePath(http.MethodGet, "/api/v1/exchanges:tail", func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		tail.ServeHTTP(w, r)
	}); err != nil {
		return nil, fmt.Errorf("route the tail: %w", err)
	}
	if err := handleFiles(mux, capturev1.NewCaptureServiceClient(backends.Capture)); err != nil {
		return nil, fmt.Errorf("route the files: %w", err)
	}
	return mux, nil
}

// principal tells the services who asked.
func principal(ctx context.Context, _ *http.Request) metadata.MD {
	caller, _ := ctx.Value(callerKey{}).(api.Caller)
	return metadata.Pairs(rpc.PrincipalHeader, caller.Principal)
}

// Outgoing is ctx for a call to a service on behalf of the caller that was let in.
func Outgoing(ctx context.Context) context.Context {
	caller, _ := ctx.Value(callerKey{}).(api.Caller)
	return rpc.WithPrincipal(ctx, caller.Principal)
}

// setStatus makes creations 201 and deletions 204.
func setStatus(ctx context.Context, w http.ResponseWriter, _ proto.Message) error {
	method, _ := runtime.RPCMethod(ctx)
	w.Header().Set("Cache-Control", "no-store")
	switch name := method[strings.LastIndexByte(method, '/')+1:]; {
	case strings.HasPrefix(name, "Create"):
		w.WriteHeader(http.StatusCreated)
	case strings.HasPrefix(name, "Delete"):
		w.Header().Del("Content-Type")
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

func writeError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error) {
	apierror.Write(w, readable(err))
}
