package query

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/store"
)

const (
	defaultLimit = 100
	defaultRange = 24 * time.Hour
)

// List returns a page of exchanges.
func (s *Service) List(ctx context.Context, req *capturev1.ListExchangesRequest) (*capturev1.ListExchangesResponse, error) {
	filter, between, err := s.asked(req)
	if err != nil {
		return nil, err
	}
	q := store.ListQuery{Range: between, Filter: filter, Limit: orDefault(req.GetLimit(), defaultLimit)}
	if q.Order, err = ParseOrder(req.GetOrderBy()); err != nil {
		return nil, err
	}
	if req.GetCursor() != "" {
		c, err := parseCursor(req.GetCursor())
		if err == nil && c.order != q.Order {
			err = errOtherOrder(c.order)
		}
		if err != nil {
			return nil, err
		}
		q.After, q.Range = c.place, store.Range{From: c.from, Until: c.until}
	}
	exchanges, more, err := s.store.List(ctx, q)
	if err != nil {
		return nil, err
	}
	exchanges, cut := fitting(exchanges)
	resp := &capturev1.ListExchangesResponse{Exchanges: exchanges, Hints: hints(filter)}
	if more || cut {
		last := exchanges[len(exchanges)-1]
		resp.NextCursor = cursor{q.Order, q.From, q.Until, q.Order.Place(last)}.String()
	}
	resp.UnknownFields = s.unknown(ctx, filter, between)
	return resp, nil
}

// fitting is as many exchanges, at least one, as one message can hold.
func fitting(exchanges []*capturev1.Exchange) (some []*capturev1.Exchange, cut bool) {
	size := 0
	for i, e := range exchanges {
		if size += proto.Size(e); size > maxMessage && i > 0 {
			return exchanges[:i], true
		}
	}
	return exchanges, false
}

// selection is a request for the exchanges of a time range that match a filter.
type selection interface {
	GetFilter() string
	GetStartTime() *timestamppb.Timestamp
	GetEndTime() *timestamppb.Timestamp
}

// asked reads the filter and the range of a request.
func (s *Service) asked(req selection) (filter *search.Query, between store.Range, err error) {
	if filter, err = search.Parse(req.GetFilter()); err != nil {
		return nil, between, err
	}
	between, err = s.between(req.GetStartTime(), req.GetEndTime())
	return filter, between, err
}

// between is the time range of a request: the last 24 hours, where it does not
// say otherwise.
func (s *Service) between(start, end *timestamppb.Timestamp) (r store.Range, err error) {
	r.Until = s.clock.Now()
	if end != nil {
		r.Until = end.AsTime()
	}
	r.From = r.Until.Add(-defaultRange)
	if start != nil {
		r.From = start.AsTime()
	}
	if !r.From.Before(r.Until) {
		e := errs.InvalidField("start_time", "%s is not before the end of the range, %s", r.From.UTC().Format(time.RFC3339Nano), r.Until.UTC().Format(time.RFC3339Nano))
		e.Violations[0].Hint = "start_time is inclusive and end_time exclusive; without end_time the range ends now"
		return r, e
	}
	return store.Range{From: storable(r.From), Until: storable(r.Until)}, nil
}

// storable brings t into the time that rows can have.
func storable(t time.Time) time.Time {
	const century22 = 5_600_000_000 // seconds; in 2147
	return time.Unix(min(max(t.Unix(), 0), century22), int64(t.Nanosecond()))
}
