package policy_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

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
