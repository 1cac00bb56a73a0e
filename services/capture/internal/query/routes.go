package query

import (
	"context"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/store"
)

const defaultRoutes = 100

// Routes returns the routes that were seen, most requests first.
func (s *Service) Routes(ctx context.Context, req *capturev1.ListRoutesRequest) (*capturev1.ListRoutesResponse, error) {
	between, err := s.between(req.GetStartTime(), req.GetEndTime())
	if err != nil {
		return nil, err
	}
	found, err := s.store.Routes(ctx, store.RouteQuery{Range: between, EndpointID: req.GetEndpointId(), Limit: orDefault(req.GetLimit(), defaultRoutes)})
	return &capturev1.ListRoutesResponse{Routes: found}, err
}
