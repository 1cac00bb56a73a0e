package capture

import (
	"context"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/views"
)

// viewAPI serves saved searches. They are in Redis, so it does not wait for
// ClickHouse.
type viewAPI struct {
	capturev1.UnimplementedViewServiceServer
	views *views.Views
}

func (v viewAPI) CreateView(ctx context.Context, req *capturev1.CreateViewRequest) (*capturev1.CreateViewResponse, error) {
	return v.views.Create(ctx, req)
}

func (v viewAPI) GetView(ctx context.Context, req *capturev1.GetViewRequest) (*capturev1.GetViewResponse, error) {
	return v.views.Get(ctx, req)
}

func (v viewAPI) ListViews(ctx context.Context, _ *capturev1.ListViewsRequest) (*capturev1.ListViewsResponse, error) {
	return v.views.List(ctx)
}

func (v viewAPI) UpdateView(ctx context.Context, req *capturev1.UpdateViewRequest) (*capturev1.UpdateViewResponse, error) {
	return v.views.Update(ctx, req)
}

func (v viewAPI) DeleteView(ctx context.Context, req *capturev1.DeleteViewRequest) (*capturev1.DeleteViewResponse, error) {
	return v.views.Delete(ctx, req)
}
