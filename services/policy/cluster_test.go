package policy_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/testenv"
)

// On a Redis Cluster configuration lies in one slot, where scripts can change it
// with its index and change feed, and counters lie in all.
func TestOnARedisCluster(t *testing.T) {
	cluster := testenv.Cluster(t)
	one, other := ready(t, cluster.URL()), ready(t, cluster.URL())

	watch := other.watch(t)
	if snap := watch.next().GetSnapshot(); snap == nil {
		t.Fatal("the watch does not begin with a snapshot")
	}
	e := one.create(t, &policyv1.Endpoint{Url: "http://one.example", Upstream: &policyv1.Upstream{Url: "http://127.0.0.1:1"}})
	if d := watch.next().GetDelta(); len(d.GetChanged()) != 1 || d.GetChanged()[0].GetId() != e.GetId() {
		t.Fatalf("the watch tells %v", d)
	}

	req := &policyv1.DecideRequest{}
	for i := range 300 {
		check := labelled(e.GetId(), fmt.Sprintf(`["%d"]`, i/3), 2, time.Minute)
		check.Id, check.Rate = uint64(i), durationpb.New(time.Minute)
		req.Checks = append(req.Checks, check)
	}
	for i, r := range []*replica{one, other} {
		allowed := 0
		for _, d := range ask(t, r.decide(t), req) {
			if d.GetUnavailable() {
				t.Fatalf("%v", d)
			}
			if d.GetAllowed() {
				allowed++
			}
		}
		if want := []int{200, 0}[i]; allowed != want {
			t.Errorf("%d allowed by replica %d, want %d", allowed, i, want)
		}
	}
	one.list(t, 100, &policyv1.ListRateLimitBucketsRequest{EndpointId: e.GetId(), Limit: 1000})
	for i, node := range cluster.Nodes() {
		counters, err := node.Keys(t.Context(), "sluice:rl:*").Result()
		if err != nil || len(counters) < 10 {
			t.Errorf("node %d has %d counters, %v", i, len(counters), err)
		}
	}
}
