package limit

import (
	"testing"
	"time"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"google.golang.org/protobuf/types/known/durationpb"

	"sluice.dev/platform/testenv"
	"sluice.dev/platform/trafficpolicy"
)

// The counter holds a permit a little longer than the window; a refused client is
// told the window.
func TestRetryAfterIsTheWindow(t *testing.T) {
	l := proxy(t, counter(t, testenv.SharedRedis(t).URL()), time.Second)
	q := query("b", 3, time.Minute, trafficpolicy.StoreErrorDeny)
	began := time.Now()
	for range 3 {
		if v := take(t, l, q); !v.Allowed {
			t.Fatalf("%+v", v)
		}
	}
	asked := take(t, l, q)
	known := take(t, l, q)
	for _, v := range []trafficpolicy.RateLimitVerdict{asked, known} {
		if v.Allowed || v.RetryAfter > time.Minute || v.RetryAfter < time.Minute-time.Since(began)-firstWithin {
			t.Errorf("%+v", v)
		}
	}
}

// Who comes back when it was told is admitted, through whatever proxy.
func TestWhoComesBackWhenToldIsAdmitted(t *testing.T) {
	address := counter(t, testenv.SharedRedis(t).URL())
	one, other := proxy(t, address, time.Second), proxy(t, address, time.Second)
	const rate = 2 * time.Second
	for i, back := range []*Limiter{one, other, one} {
		q := query(string(rune('a'+i)), 1, rate, trafficpolicy.StoreErrorDeny)
		began := time.Now()
		take(t, one, q)
		refused := take(t, one, q)
		if refused.Allowed || refused.RetryAfter > rate {
			t.Fatalf("%+v", refused)
		}
		<-time.After(refused.RetryAfter)
		came := time.Now()
		v := take(t, back, q)
		if !v.Allowed || time.Since(came) > time.Second {
			t.Errorf("%v after the first: %+v after %v", came.Sub(began), v, time.Since(came))
		}
		if took := time.Since(began); took < rate {
			t.Errorf("the second was admitted %v after the first", took)
		}
	}
}

func TestANearlyFreePermitIsWaitedFor(t *testing.T) {
	b, now := hot(50)
	_, _, c := b.take(now, time.Second)
	b.learn(c, &policyv1.RateLimitDecision{RetryAfter: durationpb.New(time.Minute), HoldOff: durationpb.New(time.Minute)}, now, true)
	for at, want := range map[time.Duration]outcome{0: knownRefused, time.Minute - 21*time.Millisecond: knownRefused, time.Minute - 20*time.Millisecond: nearlyFree, time.Minute: mustAsk} {
		if _, how, _ := b.take(now.Add(at), time.Second); how != want {
			t.Errorf("after %v: %v, want %v", at, how, want)
		}
	}
	if busy, now := hot(1000); busy.patience() != 0 || now.IsZero() {
		t.Error("requests wait where many compete")
	}
}
