package query

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/store"
)

const (
	maxPoints     = 2000
	minInterval   = time.Millisecond
	defaultGroups = 10
)

// Aggregate computes numbers. The points of a series begin at the start of the
// range; the last interval may reach beyond its end.
func (s *Service) Aggregate(ctx context.Context, req *capturev1.AggregateExchangesRequest) (*capturev1.AggregateExchangesResponse, error) {
	filter, between, err := s.asked(req)
	if err != nil {
		return nil, err
	}
	interval, err := intervalOf(req, between)
	if err != nil {
		return nil, err
	}
	series, err := s.store.Aggregate(ctx, store.AggregateQuery{
		Range: between, Filter: filter, Interval: interval,
		Measure: store.Measure{Kind: req.GetAggregation(), Field: req.GetField(), Percentile: req.GetPercentile()},
		GroupBy: req.GetGroupBy(), Groups: orDefault(req.GetGroupLimit(), defaultGroups),
	})
	if err != nil {
		return nil, err
	}
	resp := &capturev1.AggregateExchangesResponse{}
	for _, one := range series {
		resp.Series = append(resp.Series, seriesOf(one, between.From, interval))
	}
	return resp, nil
}

func intervalOf(req *capturev1.AggregateExchangesRequest, r store.Range) (time.Duration, error) {
	if req.GetInterval() == nil {
		return 0, nil
	}
	interval := req.GetInterval().AsDuration()
	if interval < minInterval {
		return 0, errs.InvalidField("interval", "%s is shorter than a millisecond", interval)
	}
	if points := (r.Until.Sub(r.From) + interval - 1) / interval; points > maxPoints {
		least := (r.Until.Sub(r.From)/maxPoints + time.Second).Truncate(time.Second)
		e := errs.InvalidField("interval", "%s would make %d points of the time range, and there may be %d", interval, points, maxPoints)
		e.Violations[0].Hint = "use " + least.String() + " or longer, or a shorter range"
		return 0, e
	}
	return interval, nil
}

func seriesOf(one *store.Series, start time.Time, interval time.Duration) *capturev1.AggregateExchangesResponse_Series {
	out := &capturev1.AggregateExchangesResponse_Series{Group: one.Group, Value: one.Value}
	for i, value := range one.Points {
		at := start.Add(time.Duration(i) * interval)
		out.Points = append(out.Points, &capturev1.AggregateExchangesResponse_Point{Time: timestamppb.New(at), Value: value})
	}
	return out
}
