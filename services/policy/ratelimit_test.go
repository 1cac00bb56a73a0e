package policy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/testenv"
)

func (r *replica) decide(t testing.TB) policyv1.RateLimitService_DecideClient {
	t.Helper()
	stream, err := policyv1.NewRateLimitServiceClient(r).Decide(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func checks(bucket string, capacity int64, n int) *policyv1.DecideRequest {
	req := &policyv1.DecideRequest{}
	for i := range n {
		req.Checks = append(req.Checks, &policyv1.RateLimitCheck{Id: uint64(i), Bucket: bucket, Capacity: capacity, Rate: durationpb.New(time.Minute)})
	}
	return req
}

func ask(t testing.TB, stream policyv1.RateLimitService_DecideClient, req *policyv1.DecideRequest) []*policyv1.RateLimitDecision {
	t.Helper()
	if err := stream.Send(req); err != nil {
		t.Fatal(err)
	}
	got, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return got.GetDecisions()
}

func TestReplicasCountTogether(t *testing.T) {
	url := testenv.SharedRedis(t).URL()
	one, other := ready(t, url).decide(t), ready(t, url).decide(t)

	for i, d := range ask(t, one, checks("b", 5, 3)) {
		if !d.Allowed || d.Remaining != int64(4-i) || d.Id != uint64(i) {
			t.Errorf("check %d: %v", i, d)
		}
	}
	for i, d := range ask(t, other, checks("b", 5, 4)) {
		if d.Allowed != (i < 2) || d.Unavailable {
			t.Errorf("check %d on the other: %v", i, d)
		}
		if wait := d.GetRetryAfter().AsDuration(); !d.Allowed && (wait <= 50*time.Second || wait > time.Minute) {
			t.Errorf("check %d is to wait %v", i, wait)
		}
	}
}

func TestChecksOfManyBucketsInOneMessage(t *testing.T) {
	stream := ready(t, testenv.SharedRedis(t).URL()).decide(t)
	req := &policyv1.DecideRequest{}
	for i := range 300 {
		req.Checks = append(req.Checks, &policyv1.RateLimitCheck{
			Id: uint64(i), Bucket: fmt.Sprint("{b}:", i%100), Capacity: 2, Rate: durationpb.New(time.Minute),
		})
	}
	req.Checks = append(req.Checks, &policyv1.RateLimitCheck{Id: 300, Bucket: "b", Capacity: 0, Rate: durationpb.New(time.Minute)})
	allowed := 0
	for i, d := range ask(t, stream, req) {
		if d.Id != uint64(i) || d.Unavailable != (i == 300) {
			t.Errorf("check %d: %v", i, d)
		}
		if d.Allowed {
			allowed++
		}
	}
	if allowed != 200 {
		t.Errorf("%d allowed, want 2 of each of 100 buckets", allowed)
	}
}

func TestAnswersCountedDownWhileTheStreamCloses(t *testing.T) {
	stream := ready(t, testenv.SharedRedis(t).URL()).decide(t)
	for range 50 {
		if err := stream.Send(checks("b", 1000, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	answered := 0
	for {
		got, err := stream.Recv()
		if err != nil {
			break
		}
		answered += len(got.GetDecisions())
	}
	if answered != 500 {
		t.Errorf("%d of 500 checks were answered", answered)
	}
}

func TestUnavailableWhileRedisHangs(t *testing.T) {
	server := testenv.Redis(t)
	stream := ready(t, server.URL()).decide(t)
	if d := ask(t, stream, checks("b", 5, 1)); !d[0].Allowed {
		t.Fatalf("got %v", d)
	}

	server.Pause()
	before := time.Now()
	if d := ask(t, stream, checks("b", 5, 1)); !d[0].Unavailable || d[0].Allowed {
		t.Errorf("while Redis hangs: %v", d)
	}
	if took := time.Since(before); took > 2*time.Second {
		t.Errorf("the answer took %v", took)
	}
	before = time.Now()
	for range 20 { // Redis is left alone for a while: no check waits
		ask(t, stream, checks("b", 5, 1))
	}
	if took := time.Since(before); took > 400*time.Millisecond {
		t.Errorf("20 more answers took %v", took)
	}
	server.Resume()
	testenv.Eventually(t, 10*time.Second, func() bool { return !ask(t, stream, checks("b", 100, 1))[0].Unavailable }, "decisions come again")
}

func BenchmarkDecide(b *testing.B) {
	r := ready(b, testenv.SharedRedis(b).URL())
	for _, size := range []int{1, 64} {
		b.Run(fmt.Sprint("checks=", size), func(b *testing.B) {
			b.SetParallelism(8)
			b.RunParallel(func(p *testing.PB) {
				stream, err := policyv1.NewRateLimitServiceClient(r).Decide(b.Context())
				if err != nil {
					b.Error(err)
					return
				}
				req := checks("b", 2_000_000_000, size)
				for p.Next() {
					if err := stream.Send(req); err != nil {
						b.Error(err)
						return
					}
					if _, err := stream.Recv(); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "decisions/s")
		})
	}
}

func TestLeasesOverTheWire(t *testing.T) {
	stream := ready(t, testenv.SharedRedis(t).URL()).decide(t)
	check := &policyv1.RateLimitCheck{Id: 1, Bucket: "b", Capacity: 1000, Rate: durationpb.New(time.Minute), Want: 100, Within: durationpb.New(time.Hour)}
	d := ask(t, stream, &policyv1.DecideRequest{Checks: []*policyv1.RateLimitCheck{check}})[0]
	if !d.Allowed || d.Granted != 100 || d.Remaining != 900 || d.Lease == 0 {
		t.Fatalf("got %v", d)
	}
	if ends := d.GetExpiresIn().AsDuration(); ends <= 0 || ends > time.Minute/128+time.Microsecond {
		t.Errorf("the lease ends after %v", ends)
	}
	back := &policyv1.RateLimitReturn{Bucket: "b", Lease: d.Lease, Permits: 60}
	ask(t, stream, &policyv1.DecideRequest{Returns: []*policyv1.RateLimitReturn{back}})
	testenv.Eventually(t, 5*time.Second, func() bool { // another worker may be first
		d = ask(t, stream, checks("b", 1000, 1))[0]
		return d.Remaining > 900
	}, "the permits are there again")

	small := &policyv1.RateLimitCheck{Bucket: "small", Capacity: 99, Rate: durationpb.New(time.Minute), Want: 10}
	if d := ask(t, stream, &policyv1.DecideRequest{Checks: []*policyv1.RateLimitCheck{small}})[0]; d.Granted != 1 || d.Remaining != 98 {
		t.Errorf("of a small capacity: %v", d)
	}
}

func TestLeasesShrinkNearTheLimit(t *testing.T) {
	stream := ready(t, testenv.SharedRedis(t).URL()).decide(t)
	var sizes []int64
	for {
		check := &policyv1.RateLimitCheck{Bucket: "b", Capacity: 100, Rate: durationpb.New(time.Hour), Want: 1000, Within: durationpb.New(time.Second)}
		d := ask(t, stream, &policyv1.DecideRequest{Checks: []*policyv1.RateLimitCheck{check}})[0]
		if !d.Allowed {
			if hold := d.GetHoldOff().AsDuration(); hold <= 0 || hold > 2*time.Second || d.GetRetryAfter().AsDuration() < 50*time.Minute {
				t.Errorf("while permits may come back: %v", d)
			}
			break
		}
		sizes = append(sizes, d.Granted)
	}
	if want := []int64{50, 25, 13, 6, 3, 2, 1}; !slices.Equal(sizes, want) {
		t.Errorf("granted %v, want %v", sizes, want)
	}
}

// list waits until n buckets are listed.
func (r *replica) list(t testing.TB, n int, req *policyv1.ListRateLimitBucketsRequest) *policyv1.ListRateLimitBucketsResponse {
	t.Helper()
	var got *policyv1.ListRateLimitBucketsResponse
	testenv.Eventually(t, 10*time.Second, func() bool {
		var err error
		if got, err = policyv1.NewRateLimitBucketServiceClient(r).ListRateLimitBuckets(within(t), req); err != nil {
			t.Fatal(err)
		}
		return len(got.GetBuckets()) == n
	}, fmt.Sprint(n, " buckets are listed"))
	return got
}

func labelled(endpoint, key string, capacity int64, rate time.Duration) *policyv1.RateLimitCheck {
	return &policyv1.RateLimitCheck{
		Bucket: endpoint + "|per-key|" + key, Capacity: capacity, Rate: durationpb.New(rate),
		Label: &policyv1.RateLimitBucketLabel{EndpointId: endpoint, Name: "per-key", BucketKey: key},
	}
}

func TestBucketsAreListed(t *testing.T) {
	r := ready(t, testenv.SharedRedis(t).URL())
	one, other := r.create(t, &policyv1.Endpoint{Url: "http://one.example", Upstream: &policyv1.Upstream{Url: "http://127.0.0.1:1"}}),
		r.create(t, &policyv1.Endpoint{Url: "http://other.example", Upstream: &policyv1.Upstream{Url: "http://127.0.0.1:1"}})
	req := &policyv1.DecideRequest{}
	for key, n := range map[string]int{`["a"]`: 2, `["b"]`: 7, `["c"]`: 5} {
		for range n {
			req.Checks = append(req.Checks, labelled(one.GetId(), key, 5, time.Hour))
		}
	}
	req.Checks = append(req.Checks, labelled(other.GetId(), `["a"]`, 1000, time.Minute), labelled(other.GetId(), `["gone"]`, 5, 400*time.Millisecond))
	ask(t, r.decide(t), req)

	got := r.list(t, 3, &policyv1.ListRateLimitBucketsRequest{EndpointId: one.GetId()})
	first, last := got.GetBuckets()[0], got.GetBuckets()[2]
	if first.GetCount() != 5 || first.GetRemaining() != 0 || last.GetBucketKey() != `["a"]` || last.GetCount() != 2 || last.GetRemaining() != 3 {
		t.Errorf("got %v", got)
	}
	for _, at := range []time.Time{first.GetNextFreeAt().AsTime(), first.GetResetAt().AsTime()} {
		if in := time.Until(at); in < 59*time.Minute || in > 61*time.Minute {
			t.Errorf("room in %v", in)
		}
	}
	if first.GetName() != "per-key" || first.GetEndpointId() != one.GetId() || first.GetCapacity() != 5 || first.GetRate().AsDuration() != time.Hour {
		t.Errorf("got %v", first)
	}
	if all := r.list(t, 4, &policyv1.ListRateLimitBucketsRequest{}); all.GetMore() { // once the short one is over
		t.Errorf("got %v", all)
	}
	if top := r.list(t, 2, &policyv1.ListRateLimitBucketsRequest{Limit: 2}); !top.GetMore() || top.GetBuckets()[1].GetCount() != 5 {
		t.Errorf("got %v", top)
	}
	client := policyv1.NewRateLimitBucketServiceClient(r)
	same, err := client.GetRateLimitBucket(within(t), &policyv1.GetRateLimitBucketRequest{Id: last.GetId()})
	if err != nil || !proto.Equal(same.GetBucket(), last) {
		t.Errorf("%v, %v", same, err)
	}
	for id, reason := range map[string]errs.Reason{"x": errs.ReasonInvalid, one.GetId() + ".00": errs.ReasonNotFound} {
		if _, err := client.GetRateLimitBucket(within(t), &policyv1.GetRateLimitBucketRequest{Id: id}); !errs.Is(err, reason) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// What clients can make the index remember is bounded, and it goes away.
func TestListedBucketsAreBounded(t *testing.T) {
	db := testenv.SharedRedis(t)
	r := ready(t, db.URL())
	stream, redis := r.decide(t), db.Client()
	for i := range 12 {
		req := &policyv1.DecideRequest{}
		for n := range 100 {
			req.Checks = append(req.Checks, labelled("ep_1", fmt.Sprint(100*i+n), 5, 3*time.Second))
		}
		ask(t, stream, req)
	}
	r.list(t, 1000, &policyv1.ListRateLimitBucketsRequest{EndpointId: "ep_1", Limit: 1000})
	keys := []string{"sluice:rl-expiries:{ep_1}", "sluice:rl-labels:{ep_1}"}
	if n, m := redis.ZCard(t.Context(), keys[0]).Val(), redis.HLen(t.Context(), keys[1]).Val(); n != 1000 || m != 1000 {
		t.Errorf("%d and %d are remembered", n, m)
	}
	testenv.Eventually(t, 15*time.Second, func() bool { return redis.Exists(t.Context(), keys...).Val() == 0 }, "they are forgotten")
}
