package limit

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNoWindowHoldsMoreThanTheCapacity is the promise, for any traffic.
func TestNoWindowHoldsMoreThanTheCapacity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.Int64Range(1, 20).Draw(t, "capacity")
		rate := time.Duration(rapid.IntRange(60, 600).Draw(t, "rate")) * time.Second
		gaps := rapid.SliceOfN(rapid.Int64Range(0, int64(rate)/4), 1, 200).Draw(t, "gaps")
		l, now := newLocalCounters(), time.Unix(1_700_000_000, 0)
		var admitted []time.Time
		for _, gap := range gaps {
			now = now.Add(time.Duration(gap))
			v := l.take("b", capacity, rate, now)
			if !v.Local {
				t.Fatal("not marked as local")
			}
			if !v.Allowed {
				if v.RetryAfter <= 0 || v.RetryAfter > rate+rate/slots {
					t.Fatalf("retry after %s of a window of %s", v.RetryAfter, rate)
				}
				continue
			}
			admitted = append(admitted, now)
			if n := int64(len(admitted)); n > capacity && now.Sub(admitted[n-1-capacity]) < rate {
				t.Fatalf("%d admitted within %s", capacity+1, now.Sub(admitted[n-1-capacity]))
			}
		}
	})
}

func TestRefusedUntilRetryAfterAndNotLonger(t *testing.T) {
	l, now := newLocalCounters(), time.Unix(1_700_000_003, 0)
	for range 3 {
		l.take("b", 3, time.Minute, now)
		now = now.Add(time.Second)
	}
	v := l.take("b", 3, time.Minute, now)
	if v.Allowed {
		t.Fatal("a fourth was admitted")
	}
	if again := l.take("b", 3, time.Minute, now.Add(v.RetryAfter-time.Millisecond)); again.Allowed {
		t.Error("admitted before retry_after")
	}
	if again := l.take("b", 3, time.Minute, now.Add(v.RetryAfter)); !again.Allowed {
		t.Error("refused after retry_after")
	}
	if other := l.take("c", 3, time.Minute, now); !other.Allowed || other.Remaining != 2 {
		t.Errorf("another bucket: %+v", other)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	l, now := newLocalCounters(), time.Unix(1_700_000_000, 0)
	for i := range maxRemembered + 1000 {
		l.take(fmt.Sprint(i), 1, time.Minute, now)
	}
	if len(l.buckets) > maxRemembered {
		t.Errorf("%d counters", len(l.buckets))
	}
	if !l.take("fresh", 1, time.Minute, now.Add(time.Hour)).Allowed {
		t.Error("a fresh bucket was refused")
	}
}
