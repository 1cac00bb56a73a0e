package rpc

import (
	"context"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/telemetry"
)

// DefaultDeadline bounds unary calls whose context has no deadline.
const DefaultDeadline = 10 * time.Second

// ClientConfig says how to call a service.
type ClientConfig struct {
	ClusterKey
}

// Dial returns a connection to target ("host:port" or "unix:///path"). It does
// not wait for the server: calls fail with UNAVAILABLE until it is there.
// Errors of calls are *errs.Error.
func Dial(target string, cfg ClientConfig, tel *telemetry.T, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	key, err := cfg.Key()
	if err != nil {
		return nil, err
	}
	all := append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessageSize), grpc.MaxCallSendMsgSize(MaxMessageSize)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
			MinConnectTimeout: 3 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 15 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true}),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(otelgrpc.WithTracerProvider(tel.Tracer), otelgrpc.WithPropagators(telemetry.Propagator()))),
		grpc.WithChainUnaryInterceptor(deadlineAndErrors),
		grpc.WithChainStreamInterceptor(streamErrors),
	}, opts...)
	if key != "" {
		all = append(all, grpc.WithPerRPCCredentials(keyCredentials(key)))
	}
	return grpc.NewClient(target, all...)
}

func deadlineAndErrors(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultDeadline)
		defer cancel()
	}
	return errs.FromGRPC(call(ctx, method, req, reply, cc, opts...))
}

func streamErrors(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := open(ctx, desc, cc, method, opts...)
	if err != nil {
		return nil, errs.FromGRPC(err)
	}
	return s, nil
}
