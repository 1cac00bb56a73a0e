package query

import (
	"cmp"
	"context"

	"google.golang.org/genproto/googleapis/api/httpbody"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Body sends what is kept of a body in messages of at most 256 KiB. The first one
// has the content type.
func (s *Service) Body(ctx context.Context, exchangeID string, side capturev1.BodySide, send func(*httpbody.HttpBody) error) error {
	return s.store.Body(ctx, exchangeID, side, func(contentType string, piece []byte) error {
		return send(&httpbody.HttpBody{ContentType: cmp.Or(contentType, "application/octet-stream"), Data: piece})
	})
}
