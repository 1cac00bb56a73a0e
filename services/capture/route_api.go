package capture

import capturev1 "sluice.dev/proto/gen/sluice/capture/v1"

// routeAPI serves what is known of routes.
type routeAPI struct {
	capturev1.UnimplementedRouteServiceServer
	api *api
}
