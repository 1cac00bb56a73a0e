package ratelimit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
)

const (
	defaultListed = 100
	// readChunk is how many counters are read in one round trip.
	readChunk = 100
	// maxRead bounds what one list over all endpoints reads.
	maxRead = 20_000
)

// Buckets is policyv1.RateLimitBucketServiceServer.
type Buckets struct {
	policyv1.UnimplementedRateLimitBucketServiceServer
	index     *Index
	endpoints func(context.Context) ([]string, error)
}

// NewBuckets returns the service over an index; endpoints returns the ids of all
// endpoints.
func NewBuckets(index *Index, endpoints func(context.Context) ([]string, error)) *Buckets {
	return &Buckets{index: index, endpoints: endpoints}
}

// ListRateLimitBuckets implements policyv1.RateLimitBucketServiceServer.
func (s *Buckets) ListRateLimitBuckets(ctx context.Context, req *policyv1.ListRateLimitBucketsRequest) (*policyv1.ListRateLimitBucketsResponse, error) {
	endpoints := []string{req.GetEndpointId()}
	if req.GetEndpointId() == "" {
		var err error
		if endpoints, err = s.endpoints(ctx); err != nil {
			return nil, err
		}
	}
	limit := cmp.Or(int(req.GetLimit()), defaultListed)
	res := &policyv1.ListRateLimitBucketsResponse{}
	read := 0
	for _, endpoint := range endpoints {
		if read >= maxRead {
			res.More = true
			break
		}
		found, err := s.index.buckets(ctx, endpoint)
		if err != nil {
			return nil, err
		}
		read += len(found)
		res.Buckets = append(res.Buckets, found...)
		slices.SortStableFunc(res.Buckets, fuller)
		if len(res.Buckets) > limit {
			res.Buckets, res.More = res.Buckets[:limit], true
		}
	}
	return res, nil
}

// fuller sorts by the share of the capacity that is used.
func fuller(a, b *policyv1.RateLimitBucket) int {
	share := func(x *policyv1.RateLimitBucket) float64 { return float64(x.GetCount()) / float64(x.GetCapacity()) }
	return cmp.Or(cmp.Compare(share(b), share(a)), cmp.Compare(b.GetCount(), a.GetCount()), cmp.Compare(a.GetId(), b.GetId()))
}

// GetRateLimitBucket implements policyv1.RateLimitBucketServiceServer.
func (s *Buckets) GetRateLimitBucket(ctx context.Context, req *policyv1.GetRateLimitBucketRequest) (*policyv1.GetRateLimitBucketResponse, error) {
	endpoint, id, ok := strings.Cut(req.GetId(), ".")
	if !ok {
		return nil, errs.InvalidField("id", "%q is no bucket: ids have the form ENDPOINT.DIGEST, as the list of buckets gives them", req.GetId())
	}
	found, err := s.index.read(ctx, endpoint, []string{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errs.NotFound("rate limit bucket", req.GetId())
	}
	return &policyv1.GetRateLimitBucketResponse{Bucket: found[0]}, nil
}

// buckets returns those of an endpoint that are in use.
func (x *Index) buckets(ctx context.Context, endpoint string) ([]*policyv1.RateLimitBucket, error) {
	ids, err := x.db.ZRevRange(ctx, x.expiries(endpoint), 0, maxListed-1).Result()
	if err != nil {
		return nil, away(err)
	}
	var out []*policyv1.RateLimitBucket
	for chunk := range slices.Chunk(ids, readChunk) {
		found, err := x.read(ctx, endpoint, chunk)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// read returns the buckets of these ids that hold anything.
func (x *Index) read(ctx context.Context, endpoint string, ids []string) ([]*policyv1.RateLimitBucket, error) {
	labels, err := x.db.HMGet(ctx, x.labels(endpoint), ids...).Result()
	if err != nil {
		return nil, away(err)
	}
	known := map[string]*policyv1.RateLimitCheck{}
	for i, label := range labels {
		text, ok := label.(string)
		if !ok {
			continue
		}
		check := &policyv1.RateLimitCheck{}
		if err := proto.Unmarshal([]byte(text), check); err != nil {
			return nil, errs.Internal(fmt.Errorf("the label of the rate limit bucket %s of %s: %w", ids[i], endpoint, err))
		}
		known[ids[i]] = check
	}
	return x.counts(ctx, endpoint, ids, known)
}

func (x *Index) counts(ctx context.Context, endpoint string, ids []string, known map[string]*policyv1.RateLimitCheck) ([]*policyv1.RateLimitBucket, error) {
	now, err := x.db.Time(ctx).Result()
	if err != nil {
		return nil, away(err)
	}
	pipe := x.db.Pipeline()
	states := map[string]*redis.StringCmd{}
	for id, check := range known {
		states[id] = pipe.Get(ctx, counterKey(x.db, check.GetBucket()))
	}
	_, _ = pipe.Exec(ctx) // each reply has its own error
	var out []*policyv1.RateLimitBucket
	for _, id := range ids {
		if states[id] == nil {
			continue
		}
		b, err := present(endpoint, id, known[id], states[id], now)
		if err != nil {
			return nil, err
		}
		if b.GetCount() > 0 {
			out = append(out, b)
		}
	}
	return out, nil
}

func present(endpoint, id string, check *policyv1.RateLimitCheck, reply *redis.StringCmd, now time.Time) (*policyv1.RateLimitBucket, error) {
	state, err := reply.Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, away(err)
	}
	c, err := readState(state, check.GetRate().AsDuration(), now)
	if err != nil {
		return nil, errs.Internal(fmt.Errorf("rate limit bucket %q: %w", check.GetBucket(), err))
	}
	return &policyv1.RateLimitBucket{
		Id: endpoint + "." + id, EndpointId: endpoint, Name: check.GetLabel().GetName(), BucketKey: check.GetLabel().GetBucketKey(),
		Capacity: check.GetCapacity(), Rate: check.GetRate(), Count: c.held, Remaining: max(0, check.GetCapacity()-c.held),
		NextFreeAt: timestamppb.New(c.next), ResetAt: timestamppb.New(c.empty),
	}, nil
}

func away(err error) error {
	return errs.Unavailable("the rate limit counters do not answer; try again").Because(err)
}
