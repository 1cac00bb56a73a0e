package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"buf.build/go/protovalidate"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/telemetry"
)

// interceptors are what every call of a server goes through, outermost first:
// metrics, error mapping, recovery, cluster key, validation.
type interceptors struct {
	key       string
	log       *slog.Logger
	validator protovalidate.Validator
	calls     *prometheus.HistogramVec
}

func newInterceptors(key string, tel *telemetry.T) (*interceptors, error) {
	v, err := protovalidate.New()
	if err != nil {
		return nil, fmt.Errorf("build the message validator: %w", err)
	}
	i := &interceptors{key: key, log: tel.Log, validator: v, calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "sluice_grpc_server_handling_seconds",
		Help:    "Time from a gRPC call's arrival to its end, by method and code.",
		Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10},
	}, []string{"method", "code"})}
	if err := tel.Registry.Register(i.calls); err != nil {
		var already prometheus.AlreadyRegisteredError
		if !errors.As(err, &already) {
			return nil, err
		}
		i.calls = already.ExistingCollector.(*prometheus.HistogramVec)
	}
	return i, nil
}

func (i *interceptors) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (reply any, err error) {
	defer i.finish(ctx, info.FullMethod, time.Now(), &err)
	if err := checkKey(ctx, i.key); err != nil {
		return nil, err
	}
	if err := i.validate(req); err != nil {
		return nil, err
	}
	return handle(ctx, req)
}

func (i *interceptors) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	defer i.finish(ss.Context(), info.FullMethod, time.Now(), &err)
	if err := checkKey(ss.Context(), i.key); err != nil {
		return err
	}
	return handle(srv, &validatingStream{ServerStream: ss, i: i})
}

// finish recovers from a panic, maps the error and counts the call.
func (i *interceptors) finish(ctx context.Context, method string, start time.Time, err *error) {
	if p := recover(); p != nil {
		i.log.ErrorContext(ctx, "panic in a gRPC handler", "method", method, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = errs.Internal(fmt.Errorf("panic: %v", p))
	}
	*err = i.public(ctx, method, *err)
	i.calls.WithLabelValues(method, status.Code(*err).String()).Observe(time.Since(start).Seconds())
}

// public is err as the caller may see it; what is hidden is logged.
func (i *interceptors) public(ctx context.Context, method string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	e := errs.As(err)
	if e == nil {
		if st, ok := status.FromError(err); ok && st.Code() != codes.Unknown {
			return err
		}
		e = errs.Internal(err)
	}
	switch e.Code {
	case codes.Internal:
		i.log.ErrorContext(ctx, "a gRPC call failed", "method", method, "error", err)
	case codes.Unavailable: // what is away is logged by whoever waits for it
		i.log.InfoContext(ctx, "a gRPC call was refused", "method", method, "error", err)
	}
	return e.GRPCStatus().Err()
}

func (i *interceptors) validate(req any) error {
	if msg, ok := req.(proto.Message); ok {
		return check(i.validator, msg)
	}
	return nil
}

type validatingStream struct {
	grpc.ServerStream
	i *interceptors
}

func (s *validatingStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return s.i.validate(m)
}
