// Package views keeps searches that people come back to, with the time range, the
// columns and the order in which they want to see them. It does not search.
package views

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/redisdb"
	"sluice.dev/platform/resource"
	"sluice.dev/platform/rpc"
	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/query"
)

const (
	// maxViews bounds the views of an installation: lists return all of them.
	maxViews = 1000
	// maxColumn is the longest name of a column, in bytes.
	maxColumn = 128
)

// Views answers the calls of ViewService.
type Views struct {
	docs *resource.Collection[*capturev1.View]
}

// New returns the views in Redis. Names are unique, whatever their case.
func New(db *redisdb.DB) *Views {
	return &Views{resource.New(db, "view", resource.Options[*capturev1.View]{
		Unique: func(v *capturev1.View) []string { return []string{strings.ToLower(v.GetName())} },
	})}
}

// Create keeps a new view.
func (s *Views) Create(ctx context.Context, req *capturev1.CreateViewRequest) (*capturev1.CreateViewResponse, error) {
	doc := proto.CloneOf(req.GetView())
	if err := prepare(doc); err != nil {
		return nil, err
	}
	all, _, err := s.docs.All(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) >= maxViews {
		return nil, errs.New(codes.FailedPrecondition, errs.ReasonPrecondition, "there are %d views already, as many as there may be; delete some first", maxViews)
	}
	viewID := id.View.New()
	doc, meta, err := s.docs.Create(ctx, viewID, doc)
	if err != nil {
		return nil, err
	}
	return &capturev1.CreateViewResponse{View: show(viewID, meta, doc)}, nil
}

// Get returns one.
func (s *Views) Get(ctx context.Context, req *capturev1.GetViewRequest) (*capturev1.GetViewResponse, error) {
	doc, meta, err := s.docs.Get(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &capturev1.GetViewResponse{View: show(req.GetId(), meta, doc)}, nil
}

// List returns all by name.
func (s *Views) List(ctx context.Context) (*capturev1.ListViewsResponse, error) {
	all, _, err := s.docs.All(ctx)
	if err != nil {
		return nil, err
	}
	resp := &capturev1.ListViewsResponse{}
	for _, e := range all {
		resp.Views = append(resp.Views, show(e.ID, e.Meta, e.Doc))
	}
	slices.SortFunc(resp.Views, func(a, b *capturev1.View) int {
		return strings.Compare(strings.ToLower(a.GetName()), strings.ToLower(b.GetName()))
	})
	return resp, nil
}

// Update changes the fields that the mask names.
func (s *Views) Update(ctx context.Context, req *capturev1.UpdateViewRequest) (*capturev1.UpdateViewResponse, error) {
	viewID := req.GetView().GetId()
	if viewID == "" {
		return nil, errs.InvalidField("view.id", "say which view to change")
	}
	doc, meta, err := s.docs.Update(ctx, viewID, func(v *capturev1.View) (*capturev1.View, error) {
		if err := apply(v, req.GetView(), req.GetUpdateMask().GetPaths()); err != nil {
			return nil, err
		}
		return v, prepare(v)
	})
	if err != nil {
		return nil, err
	}
	return &capturev1.UpdateViewResponse{View: show(viewID, meta, doc)}, nil
}

// Delete removes one.
func (s *Views) Delete(ctx context.Context, req *capturev1.DeleteViewRequest) (*capturev1.DeleteViewResponse, error) {
	return &capturev1.DeleteViewResponse{}, s.docs.Delete(ctx, req.GetId())
}

var (
	mutable    = []string{"name", "filter", "range", "columns", "order_by"}
	serverSets = []string{"id", "created_at", "updated_at"}
)

// apply copies the fields that paths name; without paths, those that src has.
func apply(dst, src *capturev1.View, paths []string) error {
	to, from := dst.ProtoReflect(), src.ProtoReflect()
	explicit := len(paths) > 0
	if !explicit || slices.Contains(paths, "*") {
		paths = mutable
	}
	for _, path := range paths {
		if slices.Contains(serverSets, path) {
			continue
		}
		if !slices.Contains(mutable, path) {
			e := errs.InvalidField("update_mask", "there is no field %q that can be changed", path)
			e.Violations[0].Hint = "these can: " + strings.Join(mutable, ", ")
			return e
		}
		fd := to.Descriptor().Fields().ByTextName(path)
		switch {
		case from.Has(fd):
			to.Set(fd, from.Get(fd))
		case explicit:
			to.Clear(fd)
		}
	}
	return nil
}

var lookBack = regexp.MustCompile(`^[1-9][0-9]{0,5}[smhdw]$`)

// prepare brings a view to the form that is stored, or says what is wrong with it.
func prepare(v *capturev1.View) error {
	v.Id, v.CreatedAt, v.UpdatedAt = "", nil, nil
	v.Name = strings.TrimSpace(v.GetName())
	if err := rpc.Validate(v); err != nil {
		return err
	}
	if _, err := search.Parse(v.GetFilter()); err != nil {
		return err
	}
	if _, err := query.ParseOrder(v.GetOrderBy()); err != nil {
		return err
	}
	if v.GetRange() != "" && !lookBack.MatchString(v.GetRange()) {
		e := errs.InvalidField("view.range", "%q is no time to look back", v.GetRange())
		e.Violations[0].Hint = "a number and one of s, m, h, d and w, such as 15m or 7d"
		return e
	}
	for i, column := range v.GetColumns() {
		if column == "" || len(column) > maxColumn || slices.Contains(v.GetColumns()[:i], column) {
			return errs.InvalidField("view.columns", "%q is empty, too long or there twice", column)
		}
	}
	return nil
}

func show(viewID string, meta resource.Meta, doc *capturev1.View) *capturev1.View {
	out := proto.CloneOf(doc)
	out.Id, out.CreatedAt, out.UpdatedAt = viewID, timestamppb.New(meta.CreatedAt), timestamppb.New(meta.UpdatedAt)
	return out
}
