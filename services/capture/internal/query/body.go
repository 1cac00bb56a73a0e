package query

import (
	"cmp"
	"context"
	"fmt"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Body sends what is kept of a body in messages of at most 256 KiB, each with its
// content type. When that is not the whole body, because it was cut or a part of it
// was lost, the header sluice-incomplete says so before: "X of Y bytes".
func (s *Service) Body(ctx context.Context, exchangeID string, side capturev1.BodySide, send func(*httpbody.HttpBody) error) error {
	contentType := ""
	begin := func(kind string, sizes *capturev1.Body) error {
		contentType = cmp.Or(kind, "application/octet-stream")
		if !sizes.GetTruncated() {
			return nil
		}
		return grpc.SetHeader(ctx, metadata.Pairs("sluice-incomplete", fmt.Sprintf("%d of %d bytes", sizes.GetStoredSize(), sizes.GetSize())))
	}
	return s.store.Body(ctx, exchangeID, side, begin, func(piece []byte) error {
		return send(&httpbody.HttpBody{ContentType: contentType, Data: piece})
	})
}
