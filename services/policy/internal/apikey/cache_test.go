package apikey

import (
	"testing"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/clock"
)

func TestCacheForgetsByIDAndByTime(t *testing.T) {
	now := clock.NewFake(time.Unix(1_800_000_000, 0))
	c := newCache(now)
	one, other := digest("one"), digest("other")
	_, version := c.find(one)
	c.put(one, &policyv1.ApiKey{Id: "ak_1"}, version)
	c.put(other, &policyv1.ApiKey{Id: "ak_2"}, version)

	c.forget("ak_1")
	if key, _ := c.find(one); key != nil {
		t.Error("a revoked key is still known")
	}
	if key, _ := c.find(other); key.GetId() != "ak_2" {
		t.Error("another key was forgotten")
	}
	now.Advance(cacheLife)
	if key, _ := c.find(other); key != nil {
		t.Error("a key outlives its time")
	}
}

func TestCacheRefusesWhatWasReadBeforeARevocation(t *testing.T) {
	c := newCache(clock.System{})
	sum := digest("one")
	_, version := c.find(sum)
	c.forget("ak_1") // the revocation comes between the look-up and its result
	c.put(sum, &policyv1.ApiKey{Id: "ak_1"}, version)
	if key, _ := c.find(sum); key != nil {
		t.Error("the revoked key was kept")
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache(clock.System{})
	for i := range cacheSize + 1 {
		c.put(digest(string(rune(i))), &policyv1.ApiKey{}, 0)
	}
	if len(c.keys) > cacheSize {
		t.Errorf("%d keys", len(c.keys))
	}
}
