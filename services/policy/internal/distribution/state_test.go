package distribution

import (
	"fmt"
	"testing"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

func delta(revision uint64) *policyv1.Delta {
	return &policyv1.Delta{Revision: revision, Changed: []*policyv1.Endpoint{{Id: fmt.Sprint("ep_", revision)}}}
}

func loaded(revision uint64) *state {
	s := newState()
	s.load(revision, contents{endpoints: map[string]*policyv1.Endpoint{}, capture: &policyv1.CaptureSettings{}})
	return s
}

func TestNothingBeforeTheFirstLoad(t *testing.T) {
	s := newState()
	updates, _, changed := s.since(position{})
	if len(updates) != 0 {
		t.Fatalf("got %v", updates)
	}
	s.load(7, contents{})
	<-changed
	updates, at, _ := s.since(position{})
	if len(updates) != 1 || updates[0].GetSnapshot().GetRevision() != 7 || at.revision != 7 {
		t.Errorf("got %v at %v", updates, at)
	}
}

func TestDeltasFromAnyPlace(t *testing.T) {
	s := loaded(10)
	_, at, _ := s.since(position{})
	for r := uint64(11); r <= 13; r++ {
		s.apply(delta(r))
	}
	s.advance(15) // changes of no interest
	s.apply(delta(16))
	for from, want := range map[uint64]string{10: "[11 12 13 16]", 12: "[13 16]", 15: "[16]", 16: "[]"} {
		updates, now, _ := s.since(position{at.era, from})
		got := []uint64{}
		for _, u := range updates {
			got = append(got, u.GetDelta().GetRevision())
		}
		if fmt.Sprint(got) != want || now.revision != 16 {
			t.Errorf("from %d: %v, now %v", from, got, now)
		}
	}
}

func TestSlowWatcherGetsASnapshot(t *testing.T) {
	s := loaded(0)
	_, at, _ := s.since(position{})
	for r := uint64(1); r <= deltasKept; r++ {
		s.apply(delta(r))
	}
	if updates, _, _ := s.since(at); len(updates) != deltasKept {
		t.Fatalf("%d updates", len(updates))
	}
	s.apply(delta(deltasKept + 1))
	updates, now, _ := s.since(at)
	if len(updates) != 1 || len(updates[0].GetSnapshot().GetEndpoints()) != deltasKept+1 {
		t.Errorf("%d updates, now %v", len(updates), now)
	}
	if updates, _, _ := s.since(position{at.era, 1}); len(updates) != deltasKept {
		t.Errorf("one that is just in time gets %d updates", len(updates))
	}
}

func TestReloadMeansASnapshot(t *testing.T) {
	s := loaded(5)
	_, at, _ := s.since(position{})
	s.load(5, contents{endpoints: map[string]*policyv1.Endpoint{"ep_1": {Id: "ep_1"}}})
	updates, _, _ := s.since(at)
	if len(updates) != 1 || len(updates[0].GetSnapshot().GetEndpoints()) != 1 {
		t.Errorf("got %v", updates)
	}
}
