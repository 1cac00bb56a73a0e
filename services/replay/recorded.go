package replay

import (
	"context"
	"errors"
	"io"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	replayv1 "sluice.dev/proto/gen/sluice/replay/v1"

	"sluice.dev/services/replay/internal/send"
)

// maxBody is the largest request body, in bytes, that is sent again.
const maxBody = 64 << 20

// recorded reads the exchange that is replayed, with bodies that capture keeps in
// parts made whole where they are needed: the request's to send it, the response's
// to compare it.
func (s *Service) recorded(ctx context.Context, c *replayv1.ReplayExchangeRequest) (*capturev1.Exchange, error) {
	capture := capturev1.NewCaptureServiceClient(s.capture)
	got, err := capture.GetExchange(ctx, &capturev1.GetExchangeRequest{Id: c.GetId()})
	if err != nil {
		return nil, err
	}
	e := got.GetExchange()
	if inParts(e.GetRequest().GetBody(), maxBody) && c.Body == nil {
		stream, err := capture.GetRequestBody(ctx, &capturev1.GetRequestBodyRequest{Id: c.GetId()})
		if err != nil {
			return nil, err
		}
		if e.Request.Body.Content, err = readAll(stream); err != nil {
			return nil, err
		}
	}
	if inParts(e.GetResponse().GetBody(), send.MaxBody) {
		stream, err := capture.GetResponseBody(ctx, &capturev1.GetResponseBodyRequest{Id: c.GetId()})
		if err != nil {
			return nil, err
		}
		if e.Response.Body.Content, err = readAll(stream); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// inParts tells a body that is stored whole, but not within its exchange.
func inParts(b *capturev1.Body, limit uint64) bool {
	return !b.GetTruncated() && b.GetStoredSize() > uint64(len(b.GetContent())) && b.GetStoredSize() <= limit
}

func readAll(stream grpc.ServerStreamingClient[httpbody.HttpBody]) (content []byte, err error) {
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return content, nil
		}
		if err != nil {
			return nil, err
		}
		content = append(content, part.GetData()...)
	}
}
