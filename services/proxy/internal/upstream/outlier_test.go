package upstream

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

func TestOutliersAreEjected(t *testing.T) {
	u := pooled(t, 0, 1, 1, 1, 1)
	u.outliers = newOutliers(&policyv1.OutlierDetection{ConsecutiveFailures: 3, EjectionTime: durationpb.New(time.Minute)})
	now := time.Unix(1000, 0)
	fail := func(i, times int) (ejected bool) {
		for range times {
			ejected = u.judge(i, true, now)
		}
		return ejected
	}
	fail(0, 2)
	u.judge(0, false, now)
	if fail(0, 2) || !u.judge(0, true, now) || u.available(0, now) {
		t.Error("three failures in a row eject, no fewer")
	}
	for n, want := range []time.Duration{2 * time.Minute, 3 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute} {
		now = time.Unix(0, u.members[0].ejectedUntil.Load())
		if !u.available(0, now) || !fail(0, 3) {
			t.Fatalf("%d: it did not come back, or was not ejected again", n)
		}
		if got := time.Unix(0, u.members[0].ejectedUntil.Load()).Sub(now); got != want {
			t.Errorf("ejected for %s, want %s", got, want)
		}
	}
	now = time.Unix(0, u.members[0].ejectedUntil.Load())
	u.judge(0, false, now)
	fail(0, 3)
	if got := time.Unix(0, u.members[0].ejectedUntil.Load()).Sub(now); got != time.Minute {
		t.Errorf("after a success it is the first again: %s", got)
	}
}

func TestNotMoreThanTheShareIsEjected(t *testing.T) {
	now := time.Unix(1000, 0)
	for percent, want := range map[uint32]int{0: 2, 24: 0, 25: 1, 74: 2, 100: 4} {
		u := pooled(t, 0, 1, 1, 1, 1)
		u.outliers = newOutliers(&policyv1.OutlierDetection{ConsecutiveFailures: 1, MaxEjectedPercent: percent})
		out := 0
		for i := range u.members {
			if u.judge(i, true, now) {
				out++
			}
		}
		if out != want {
			t.Errorf("%d %%: %d of 4 were ejected, want %d", percent, out, want)
		}
	}
}

func TestBudget(t *testing.T) {
	b := &budget{}
	now := time.Unix(1000, 0)
	take := func(n int) (taken int) {
		for range n {
			if b.take(now, 20) {
				taken++
			}
		}
		return taken
	}
	if got := take(200); got != 100 {
		t.Errorf("without requests %d retries were allowed, want the free 100", got)
	}
	now = now.Add(time.Second)
	for range 100 {
		b.request(now)
	}
	if got := take(100); got != 20 {
		t.Errorf("%d, want a fifth of the requests", got)
	}
	now = now.Add(8 * time.Second)
	if got := take(100); got != 0 {
		t.Errorf("%d, want none: all is spent", got)
	}
	now = now.Add(time.Second) // the first 100 are forgotten, the requests are not
	if got := take(200); got != 100 {
		t.Errorf("%d, want 100", got)
	}
	now = now.Add(10 * time.Second)
	for range 30 {
		b.request(now)
	}
	if got := take(200); got != 106 {
		t.Errorf("%d, want 106", got)
	}
}

// With little traffic, every request that met the target which is down is retried.
func TestBudgetWithLittleTraffic(t *testing.T) {
	b := &budget{}
	now := time.Unix(1000, 0)
	for range 60 {
		for i := range 8 { // a second: each other request fails at first
			b.request(now)
			if i%2 == 0 && !b.take(now, 20) {
				t.Fatal("a retry was refused at 8 requests a second")
			}
		}
		now = now.Add(time.Second)
	}
}
