// Package relay offers the services' gRPC methods to clients under one address.
// It passes messages on unread: the services check them. Only methods of the
// API table exist here.
package relay

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sluice.dev/gateway/internal/api"
	"sluice.dev/gateway/internal/auth"
	"sluice.dev/platform/errs"
	"sluice.dev/platform/rpc"
)

// Relay forwards calls.
type Relay struct {
	gate  auth.Gate
	conns map[protoreflect.FullName]*grpc.ClientConn
	codec codec
}

// New returns a relay; conns are the services' connections by proto package.
func New(gate auth.Gate, conns map[protoreflect.FullName]*grpc.ClientConn) *Relay {
	return &Relay{gate: gate, conns: conns, codec: newCodec()}
}

// Codec is the option that the server of the relay needs.
func (r *Relay) Codec() grpc.ServerOption { return grpc.ForceServerCodecV2(r.codec) }

// Register adds the services of the API table to s, so that reflection and
// health know them.
func (r *Relay) Register(s grpc.ServiceRegistrar) {
	services := map[protoreflect.FullName]*grpc.ServiceDesc{}
	var order []protoreflect.FullName
	for _, m := range api.Methods() {
		name := m.Desc.Parent().FullName()
		if services[name] == nil {
			services[name] = &grpc.ServiceDesc{ServiceName: string(name), Metadata: m.Desc.ParentFile().Path()}
			order = append(order, name)
		}
		services[name].Streams = append(services[name].Streams, grpc.StreamDesc{
			StreamName: string(m.Desc.Name()), ServerStreams: true, ClientStreams: true, Handler: r.handler(m),
		})
	}
	for _, name := range order {
		s.RegisterService(services[name], nil)
	}
}

func (r *Relay) handler(m api.Method) grpc.StreamHandler {
	return func(_ any, in grpc.ServerStream) error {
		var authorization string
		md, _ := metadata.FromIncomingContext(in.Context())
		if v := md.Get("authorization"); len(v) > 0 {
			authorization = v[0]
		}
		caller, err := r.gate.Admit(in.Context(), authorization, m)
		if err != nil {
			return err
		}
		return r.forward(rpc.WithPrincipal(in.Context(), caller.Principal), m, in)
	}
}

// forward passes one request on, and the answers back. None of the offered
// methods streams requests.
func (r *Relay) forward(ctx context.Context, m api.Method, in grpc.ServerStream) error {
	ctx, cancel := m.Bounded(ctx)
	defer cancel()
	request := &frame{}
	if err := in.RecvMsg(request); err != nil {
		return errs.FromGRPC(err)
	}
	desc := &grpc.StreamDesc{StreamName: string(m.Desc.Name()), ServerStreams: true, ClientStreams: true}
	out, err := r.conns[m.Package()].NewStream(ctx, desc, m.FullName(), grpc.ForceCodecV2(r.codec))
	if err != nil {
		return errs.FromGRPC(err)
	}
	if err := out.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
		return errs.FromGRPC(err) // after io.EOF, RecvMsg tells the reason
	}
	if err := out.CloseSend(); err != nil {
		return errs.FromGRPC(err)
	}
	for first := true; ; first = false {
		answer := &frame{}
		switch err := out.RecvMsg(answer); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errs.FromGRPC(err)
		}
		if first {
			if err := in.SetHeader(said(out)); err != nil {
				return errs.FromGRPC(err)
			}
		}
		if err := in.SendMsg(answer); err != nil {
			return errs.FromGRPC(err)
		}
	}
}

// said is what a service tells clients of an answer besides the answer.
func said(out grpc.ClientStream) metadata.MD {
	md := metadata.MD{}
	header, err := out.Header()
	if err != nil {
		return md // the next read tells why
	}
	for _, name := range []string{"sluice-total", "sluice-incomplete", "content-disposition"} {
		md.Append(name, header.Get(name)...)
	}
	return md
}
