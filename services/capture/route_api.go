package capture

import (
	"context"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/routes"
)

// routeAPI serves what is known of routes.
type routeAPI struct {
	capturev1.UnimplementedRouteServiceServer
	api   *api
	rules *routes.Rules
}

func (r routeAPI) ListRoutes(ctx context.Context, req *capturev1.ListRoutesRequest) (*capturev1.ListRoutesResponse, error) {
	b, err := r.api.open()
	if err != nil {
		return nil, err
	}
	return b.query.Routes(ctx, req)
}

func (r routeAPI) CreateRouteRule(ctx context.Context, req *capturev1.CreateRouteRuleRequest) (*capturev1.CreateRouteRuleResponse, error) {
	return r.rules.Create(ctx, req)
}

func (r routeAPI) ListRouteRules(ctx context.Context, _ *capturev1.ListRouteRulesRequest) (*capturev1.ListRouteRulesResponse, error) {
	return r.rules.List(ctx)
}

func (r routeAPI) DeleteRouteRule(ctx context.Context, req *capturev1.DeleteRouteRuleRequest) (*capturev1.DeleteRouteRuleResponse, error) {
	return r.rules.Delete(ctx, req)
}
