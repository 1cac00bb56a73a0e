package upstream

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

func TestExpectedStatuses(t *testing.T) {
	for _, tt := range []struct {
		expected []string
		yes, no  []int
	}{
		{nil, []int{200, 204, 301}, []int{101, 404, 500, 999}},
		{[]string{"204", "4xx", "503"}, []int{204, 401, 503}, []int{200, 500, 302}},
	} {
		c, err := newCheck(&policyv1.HealthCheck{ExpectedStatuses: tt.expected})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range tt.yes {
			if !c.expects(s) {
				t.Errorf("%v does not take %d", tt.expected, s)
			}
		}
		for _, s := range tt.no {
			if c.expects(s) {
				t.Errorf("%v takes %d", tt.expected, s)
			}
		}
	}
}

func TestHealthNeedsSeveralInARow(t *testing.T) {
	c, m := &check{rise: 2, fall: 3}, newMember(&Target{})
	var v verdict
	for i, step := range []struct{ ok, unhealthy bool }{
		{false, false}, {false, false}, {true, false}, {false, false}, {false, false}, {false, true}, {true, true}, {false, true}, {true, true}, {true, false}, {true, false},
	} {
		was := m.unhealthy.Load()
		if changed := v.note(c, m, step.ok); m.unhealthy.Load() != step.unhealthy || changed != (was != step.unhealthy) {
			t.Errorf("step %d: unhealthy %t, changed %t", i, m.unhealthy.Load(), changed)
		}
	}
}

// asked notes who was probed, and answers as told.
type asked struct {
	mu    sync.Mutex
	times map[string]int
	down  map[string]bool
}

func (a *asked) probe(_ context.Context, _ *Upstream, m *member) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.times[m.Host]++
	if a.down[m.Host] {
		return errors.New("down")
	}
	return nil
}

func (a *asked) set(host string, down bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down[host] = down
}

func (a *asked) count(host string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.times[host]
}

func TestChecker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{times: map[string]int{}, down: map[string]bool{}}
		c := newChecker(a.probe, slog.New(slog.DiscardHandler))
		doc := &policyv1.Upstream{
			Targets:     []*policyv1.UpstreamTarget{{Url: "http://a.test"}, {Url: "http://b.test"}},
			HealthCheck: &policyv1.HealthCheck{Interval: durationpb.New(5 * time.Second)},
		}
		u := parse(t, doc, nil)
		c.configure([]*Upstream{u})
		synctest.Wait()
		if a.count("a.test") != 1 || a.count("b.test") != 1 {
			t.Errorf("not asked at once: %v", a.times)
		}
		a.set("b.test", true)
		time.Sleep(16 * time.Second)
		synctest.Wait()
		if u.members[0].unhealthy.Load() || !u.members[1].unhealthy.Load() || a.count("a.test") != 4 {
			t.Errorf("after 3 failures: %v", a.times)
		}

		// The weight changes: checks go on, health stays. c.test comes.
		doc.Targets = []*policyv1.UpstreamTarget{{Url: "http://b.test", Weight: 2}, {Url: "http://c.test"}}
		next := parse(t, doc, u)
		c.configure([]*Upstream{next})
		synctest.Wait()
		if !next.members[0].unhealthy.Load() || a.count("b.test") != 4 || a.count("c.test") != 1 {
			t.Errorf("after a change of weights: %v", a.times)
		}
		a.set("b.test", false)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if next.members[0].unhealthy.Load() || a.count("a.test") != 4 {
			t.Errorf("b answers again, a is gone: %v", a.times)
		}

		// The path changes: asked anew.
		doc.HealthCheck.Path = "/other"
		c.configure([]*Upstream{parse(t, doc, next)})
		before := a.count("b.test")
		synctest.Wait()
		if a.count("b.test") != before+1 {
			t.Errorf("after a change of the path: %v", a.times)
		}
		c.close()
		stopped := a.count("b.test")
		time.Sleep(time.Minute)
		if a.count("b.test") != stopped {
			t.Error("checks go on after the end")
		}
	})
}

func TestHealthIsForgottenWithoutChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{times: map[string]int{}, down: map[string]bool{"a.test": true}}
		c := newChecker(a.probe, slog.New(slog.DiscardHandler))
		defer c.close()
		doc := &policyv1.Upstream{Url: "http://a.test", HealthCheck: &policyv1.HealthCheck{UnhealthyThreshold: 1}}
		u := parse(t, doc, nil)
		c.configure(slices.Repeat([]*Upstream{u}, 1))
		synctest.Wait()
		if !u.members[0].unhealthy.Load() {
			t.Fatal("not unhealthy")
		}
		doc.HealthCheck = nil
		c.configure([]*Upstream{parse(t, doc, u)})
		synctest.Wait()
		if u.members[0].unhealthy.Load() {
			t.Error("still unhealthy, and nobody would find out otherwise")
		}
	})
}
