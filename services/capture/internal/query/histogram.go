package query

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/store"
)

const (
	defaultBuckets = 100
	day            = 24 * time.Hour
)

// steps are the lengths of intervals that people use.
var steps = []time.Duration{
	time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 7 * day, 30 * day, 365 * day,
}

// stepFor is the shortest step that makes at most n intervals of the range.
func stepFor(r store.Range, n int) time.Duration {
	least := r.Until.Sub(r.From) / time.Duration(n)
	for _, step := range steps {
		if step >= least {
			return step
		}
	}
	return steps[len(steps)-1] * time.Duration(1+int(least/steps[len(steps)-1]))
}

// Histogram counts exchanges over time by class of status.
func (s *Service) Histogram(ctx context.Context, req *capturev1.GetHistogramRequest) (*capturev1.GetHistogramResponse, error) {
	filter, between, err := s.asked(req)
	if err != nil {
		return nil, err
	}
	step := stepFor(between, orDefault(req.GetBuckets(), defaultBuckets))
	origin := time.Unix(0, between.From.UnixNano()/int64(step)*int64(step)) // times are after 1970
	counts, err := s.store.Histogram(ctx, store.HistogramQuery{Range: between, Origin: origin, Filter: filter, Interval: step})
	if err != nil {
		return nil, err
	}
	resp := &capturev1.GetHistogramResponse{Interval: durationpb.New(step)}
	for i, c := range counts {
		resp.Buckets = append(resp.Buckets, &capturev1.GetHistogramResponse_Bucket{
			Time:     timestamppb.New(origin.Add(time.Duration(i) * step)),
			NoStatus: c[0], Status_1Xx: c[1], Status_2Xx: c[2], Status_3Xx: c[3], Status_4Xx: c[4], Status_5Xx: c[5],
		})
		for _, n := range c {
			resp.Total += n
		}
	}
	return resp, nil
}
