package ratelimit

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sluice.dev/platform/testenv"
)

func TestCapacityOneIsExact(t *testing.T) {
	c := counter{openRedis(t, testenv.SharedRedis(t).URL())}
	r := request{bucket: "b", capacity: 1, rate: 80 * time.Millisecond, waiting: 1}
	first := one(t, c, r)
	second := one(t, c, r)
	if first.given != 1 || second.given != 0 || second.retryAfter != first.at.Add(r.rate).Sub(second.at) {
		t.Fatalf("first %+v, second %+v", first, second)
	}
	var again grant
	testenv.Eventually(t, 5*time.Second, func() bool { again = one(t, c, r); return again.given == 1 }, "the window passes")
	if early := first.at.Add(r.rate).Sub(again.at); early > 0 {
		t.Errorf("given %v too early", early)
	}
}

func TestCapacityChangeKeepsHistory(t *testing.T) {
	c := counter{openRedis(t, testenv.SharedRedis(t).URL())}
	r := request{bucket: "b", capacity: 10, rate: time.Hour, waiting: 8}
	one(t, c, r)
	r.capacity, r.waiting = 5, 1
	if g := one(t, c, r); g.given != 0 || g.held != 8 || g.retryAfter <= 0 {
		t.Errorf("after lowering: %+v", g)
	}
	r.capacity, r.waiting = 20, 100
	if g := one(t, c, r); g.given != 12 || g.held != 20 {
		t.Errorf("after raising: %+v", g)
	}
}

func TestRefusalsDoNotCount(t *testing.T) {
	c := counter{openRedis(t, testenv.SharedRedis(t).URL())}
	r := request{bucket: "b", capacity: 2, rate: time.Hour, waiting: 2}
	one(t, c, r)
	before := one(t, c, r)
	for range 50 {
		one(t, c, r)
	}
	if after := one(t, c, r); after.held != 2 || after.retryAfter > before.retryAfter {
		t.Errorf("refusals changed %+v to %+v", before, after)
	}
}

func TestBucketIsSmallAndGoesAway(t *testing.T) {
	db := openRedis(t, testenv.SharedRedis(t).URL())
	c := counter{db}
	r := request{bucket: "b", capacity: maxCapacity, rate: 200 * time.Millisecond, waiting: 1_000_000}
	key := db.Spread("rl", "b")
	largest := int64(0)
	for end := time.Now().Add(3 * r.rate); time.Now().Before(end); {
		one(t, c, r)
		largest = max(largest, db.StrLen(context.Background(), key).Val())
	}
	if largest < 1500 || largest > 4168 {
		t.Errorf("the bucket had %d bytes", largest)
	}
	testenv.Eventually(t, 5*time.Second, func() bool { return db.Exists(context.Background(), key).Val() == 0 }, "the bucket goes away")
}

func TestScriptComesBackAfterRedisForgotIt(t *testing.T) {
	db := openRedis(t, testenv.Redis(t).URL())
	c := counter{db}
	requests := []request{{bucket: "a", capacity: 1, rate: time.Hour, waiting: 1}, {bucket: "b", capacity: 1, rate: time.Hour, waiting: 1}}
	if err := db.ScriptFlush(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	for i, g := range c.take(context.Background(), requests) {
		if g.err != nil || g.given != 1 {
			t.Errorf("request %d: %+v", i, g)
		}
	}
}

func TestLargeNumbers(t *testing.T) {
	c := counter{openRedis(t, testenv.SharedRedis(t).URL())}
	r := request{bucket: "b", capacity: maxCapacity, rate: 24 * time.Hour, waiting: maxCapacity}
	if g := one(t, c, r); g.given != maxCapacity || g.held != maxCapacity {
		t.Errorf("got %+v", g)
	}
	r.waiting = 1
	if g := one(t, c, r); g.given != 0 || g.retryAfter < 23*time.Hour || g.retryAfter > 24*time.Hour {
		t.Errorf("got %+v", g)
	}
}

func BenchmarkTake(b *testing.B) {
	for _, size := range []int{1, 16, 256} {
		for _, hot := range []bool{true, false} {
			b.Run(fmt.Sprintf("batch=%d/hot=%t", size, hot), func(b *testing.B) {
				c := counter{openRedis(b, testenv.SharedRedis(b).URL())}
				requests := make([]request, size)
				n := 0
				for b.Loop() {
					for i := range requests {
						bucket := i
						if !hot {
							bucket = n % 100_000
						}
						n++
						requests[i] = request{bucket: fmt.Sprint(bucket), capacity: maxCapacity, rate: time.Minute, waiting: 1}
					}
					for _, g := range c.take(context.Background(), requests) {
						if g.err != nil {
							b.Fatal(g.err)
						}
					}
				}
				b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "decisions/s")
			})
		}
	}
}
