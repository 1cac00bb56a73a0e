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

// Body sends what is kept of a body in messages of at most 256 KiB. The first one
// has the content type. When that is not the whole body, because it was cut or a part
// of it was lost, the header sluice-incomplete says so before: "X of Y bytes".
func (s *Service) Body(ctx context.Context, exchangeID string, side capturev1.BodySide, send func(*httpbody.HttpBody) error) error {
	e, err := s.store.Get(ctx, exchangeID)
	if err != nil {
		return err
	}
	body := e.GetRequest().GetBody()
	if side == capturev1.BodySide_BODY_SIDE_RESPONSE {
		body = e.GetResponse().GetBody()
	}
	if body.GetTruncated() {
		said := metadata.Pairs("sluice-incomplete", fmt.Sprintf("%d of %d bytes", body.GetStoredSize(), body.GetSize()))
		if err := grpc.SetHeader(ctx, said); err != nil {
			return fmt.Errorf("say that the body is not whole: %w", err)
		}
	}
	return s.store.Body(ctx, exchangeID, side, func(contentType string, piece []byte) error {
		return send(&httpbody.HttpBody{ContentType: cmp.Or(contentType, "application/octet-stream"), Data: piece})
	})
}
