package limit

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/trafficpolicy"
)

// Of the buckets, those used last are kept, whichever they are.
func TestBucketsUsedLastAreKept(t *testing.T) {
	bs, now := newBuckets(), time.Unix(1_700_000_000, 0)
	find := func(name string) *bucket {
		q := query(name, 100, time.Minute, trafficpolicy.StoreErrorDeny)
		b, _, _, _ := bs.take(&q, now, time.Second)
		return b
	}
	kept := find("kept")
	for i := range 3 * maxRemembered {
		find(fmt.Sprint(i))
		if i%100 == 0 && find("kept") != kept {
			t.Fatalf("forgotten after %d others", i)
		}
	}
	sum := 0
	for i := range bs.shards {
		s, linked := &bs.shards[i], 0
		for b := s.ring.older; b != &s.ring; b = b.older {
			linked++
			if s.byID[b.id] != b {
				t.Fatalf("%v is linked and not in the map", b.id)
			}
		}
		if linked != len(s.byID) {
			t.Fatalf("%d linked, %d in the map", linked, len(s.byID))
		}
		sum += linked
	}
	if sum > maxRemembered || sum < maxRemembered/2 {
		t.Errorf("%d are remembered", sum)
	}
}

var start = time.Unix(1_700_000_000, 0)

// hot returns a bucket that sees 1,000 requests a second, and the time then.
func hot(capacity int64) (*bucket, time.Time) {
	id := bucketID{endpoint: "ep_1", rule: "n", algorithm: "sliding_window", key: "b", rate: time.Minute, capacity: capacity}
	return &bucket{id: id, name: id.serviceName(), demand: demand{count: 400, since: start}}, start.Add(400 * time.Millisecond)
}

func TestHowManyPermitsAreWanted(t *testing.T) {
	for _, c := range []struct{ capacity, want int64 }{{1_000_000, 187}, {3200, 100}, {100, 3}, {99, 1}} {
		b, now := hot(c.capacity)
		if got := b.want(now, time.Second); got != c.want {
			t.Errorf("capacity %d: %d wanted, want %d", c.capacity, got, c.want)
		}
	}
	b, now := hot(1_000_000)
	if got := b.want(now.Add(time.Minute), time.Second); got != 1 {
		t.Errorf("after a minute without requests %d are wanted", got)
	}
	b.demand = demand{count: 1, since: now}
	if got := b.want(now, time.Second); got != 1 {
		t.Errorf("for the first request %d are wanted", got)
	}
}

func TestALeaseIsUsedUntilItEnds(t *testing.T) {
	b, now := hot(1_000_000)
	_, how, c := b.take(now, time.Second)
	if how != mustAsk || c.message.GetWant() < 100 || c.message.GetWithin().AsDuration() != time.Minute/128*3/4 {
		t.Fatalf("%v %v", how, c)
	}
	if _, _, second := b.take(now, time.Second); second.message.GetWant() != 1 {
		t.Errorf("while a lease is on its way %d are wanted", second.message.GetWant())
	}
	inTime, l := b.learn(c, &policyv1.RateLimitDecision{
		Allowed: true, Granted: 9, Remaining: 50, Lease: 7, ExpiresIn: durationpb.New(300 * time.Millisecond),
	}, now.Add(100*time.Millisecond), true)
	if !inTime || l == nil || l.permits != 8 || !l.ends.Equal(now.Add(300*time.Millisecond)) || l.token != 7 {
		t.Fatalf("%t %+v", inTime, l)
	}
	now = now.Add(299 * time.Millisecond)
	asked := 0
	for i := range 5 {
		v, how, c := b.take(now, time.Second)
		if how != fromLease || !v.Allowed || v.Remaining != int64(57-i) {
			t.Fatalf("%d: %+v %v", i, v, how)
		}
		if c != nil {
			asked++
		}
	}
	if asked != 0 {
		t.Error("more was asked for with half of the lease left")
	}
	if _, _, c := b.take(now, time.Second); c == nil {
		t.Error("no more was asked for with a quarter of the lease left")
	}
	if _, _, c := b.take(now, time.Second); c != nil {
		t.Error("more was asked for twice")
	}
	if _, how, _ := b.take(now.Add(time.Millisecond), time.Second); how != mustAsk {
		t.Errorf("%v after the lease has ended", how)
	}
}

func TestAPermitThatComesTooLateIsNotUsed(t *testing.T) {
	b, now := hot(50)
	_, _, c := b.take(now, time.Second)
	inTime, l := b.learn(c, &policyv1.RateLimitDecision{Allowed: true, Granted: 1, Lease: 7, ExpiresIn: durationpb.New(time.Millisecond)}, now.Add(time.Millisecond), true)
	if inTime || l == nil || l.permits != 1 || l.usable(now.Add(time.Millisecond)) {
		t.Errorf("%t %+v", inTime, l)
	}
}

func TestRefusalsAreRememberedAsLongAsTold(t *testing.T) {
	b, now := hot(1_000_000)
	_, _, c := b.take(now, time.Second)
	b.learn(c, &policyv1.RateLimitDecision{RetryAfter: durationpb.New(time.Minute), HoldOff: durationpb.New(time.Second)}, now, true)
	if v, how, _ := b.take(now.Add(500*time.Millisecond), time.Second); how != knownRefused || v.RetryAfter != 59500*time.Millisecond {
		t.Errorf("%v %+v", how, v)
	}
	if _, how, _ := b.take(now.Add(time.Second), time.Second); how != mustAsk {
		t.Errorf("%v when it is worth while to ask again", how)
	}
}

func BenchmarkTake(b *testing.B) {
	for _, kind := range []string{"leased", "refused"} {
		b.Run(kind, func(b *testing.B) {
			l := New(away{}, time.Second, clock.System{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
			q := query(`["203.0.113.7"]`, 2_000_000_000, 24*time.Hour, trafficpolicy.StoreErrorDeny)
			now := time.Now()
			bucket, _, _, _ := l.buckets.take(&q, now, time.Second)
			if kind == "leased" {
				bucket.current = &lease{permits: 1 << 40, ends: now.Add(time.Hour)}
			} else {
				bucket.refusedUntil, bucket.freeAt = now.Add(time.Hour), now.Add(time.Hour)
			}
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := l.Take(b.Context(), q); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
