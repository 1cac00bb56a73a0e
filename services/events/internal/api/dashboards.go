package api

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/resource"
	eventsv1 "sluice.dev/proto/gen/sluice/events/v1"
	"sluice.dev/services/events/internal/config"
	"sluice.dev/services/events/internal/dashboard"
)

// Dashboards serves DashboardService.
type Dashboards struct {
	eventsv1.UnimplementedDashboardServiceServer
	documents[*eventsv1.Dashboard]
}

// NewDashboards returns the service.
func NewDashboards(store *config.Store) *Dashboards {
	return &Dashboards{documents: documents[*eventsv1.Dashboard]{
		noun: "dashboard", docs: store.Dashboards, outputOnly: []string{"read_only"},
		check: func(_ context.Context, d *eventsv1.Dashboard) error { return dashboard.Check(d, checkFilter) },
	}}
}

func stock(id string) *eventsv1.Dashboard {
	boards := dashboard.Stock()
	if i := slices.IndexFunc(boards, func(d *eventsv1.Dashboard) bool { return d.GetId() == id }); i >= 0 {
		return boards[i]
	}
	return nil
}

// changeable refuses to change a stock board.
func changeable(id string) error {
	if stock(id) == nil {
		return nil
	}
	return errs.New(codes.FailedPrecondition, errs.ReasonPrecondition, "%s comes with Sluice and cannot be changed; create a dashboard with its widgets and change that", id)
}

// CreateDashboard keeps a new board.
func (s *Dashboards) CreateDashboard(ctx context.Context, req *eventsv1.CreateDashboardRequest) (*eventsv1.CreateDashboardResponse, error) {
	doc, err := s.create(ctx, id.Dashboard.New(), req.GetDashboard())
	return &eventsv1.CreateDashboardResponse{Dashboard: doc}, err
}

// GetDashboard returns one, also a stock board.
func (s *Dashboards) GetDashboard(ctx context.Context, req *eventsv1.GetDashboardRequest) (*eventsv1.GetDashboardResponse, error) {
	if board := stock(req.GetId()); board != nil {
		return &eventsv1.GetDashboardResponse{Dashboard: board}, nil
	}
	doc, err := s.get(ctx, req.GetId())
	return &eventsv1.GetDashboardResponse{Dashboard: doc}, err
}

// ListDashboards returns a page: the stock boards first, then the others, newest
// first.
func (s *Dashboards) ListDashboards(ctx context.Context, req *eventsv1.ListDashboardsRequest) (*eventsv1.ListDashboardsResponse, error) {
	limit, first := int(req.GetLimit()), []*eventsv1.Dashboard(nil)
	if limit == 0 {
		limit = resource.DefaultLimit
	}
	if req.GetCursor() == "" {
		first = dashboard.Stock()
		// A page has room for one of the others at least, or it could not go on.
		limit = max(1, limit-len(first))
	}
	page, next, err := s.list(ctx, int32(limit), req.GetCursor())
	return &eventsv1.ListDashboardsResponse{Dashboards: append(first, page...), NextCursor: next}, err
}

// UpdateDashboard changes one.
func (s *Dashboards) UpdateDashboard(ctx context.Context, req *eventsv1.UpdateDashboardRequest) (*eventsv1.UpdateDashboardResponse, error) {
	if err := changeable(req.GetDashboard().GetId()); err != nil {
		return nil, err
	}
	doc, err := s.update(ctx, req.GetDashboard(), req.GetUpdateMask(), nil)
	return &eventsv1.UpdateDashboardResponse{Dashboard: doc}, err
}

// DeleteDashboard removes one.
func (s *Dashboards) DeleteDashboard(ctx context.Context, req *eventsv1.DeleteDashboardRequest) (*eventsv1.DeleteDashboardResponse, error) {
	if err := changeable(req.GetId()); err != nil {
		return nil, err
	}
	return &eventsv1.DeleteDashboardResponse{}, s.docs.Delete(ctx, req.GetId())
}
