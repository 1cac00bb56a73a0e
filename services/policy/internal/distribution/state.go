package distribution

import (
	"cmp"
	"slices"
	"sync"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

// deltasKept is how far a watcher may fall behind before it gets a snapshot.
const deltasKept = 512

// state is the configuration as proxies get it, and its latest deltas. What it
// hands out is shared and must not be changed.
type state struct {
	mu       sync.Mutex
	loaded   bool
	era      uint64 // changes with each load: deltas go on only within one
	revision uint64
	contents
	deltas  []*policyv1.Delta // oldest first, complete after floor
	floor   uint64
	changed chan struct{} // closed and replaced at each change
}

// contents is what a configuration consists of.
type contents struct {
	endpoints    map[string]*policyv1.Endpoint
	capture      *policyv1.CaptureSettings
	replayKey    []byte
	secrets      map[string]*policyv1.SecretValue
	secretsFault string // why secrets are missing; empty when none are
}

func newState() *state { return &state{changed: make(chan struct{})} }

// position is how far a watcher has got.
type position struct{ era, revision uint64 }

// load replaces everything.
func (s *state) load(revision uint64, c contents) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded, s.revision, s.contents = true, revision, c
	s.era++
	s.deltas, s.floor = nil, revision
	s.wake()
}

// advance goes to a revision that changed nothing of interest to proxies.
func (s *state) advance(revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision = revision
}

// apply goes to the revision of a delta.
func (s *state) apply(d *policyv1.Delta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range d.GetChanged() {
		s.endpoints[e.GetId()] = e
	}
	for _, gone := range d.GetDeletedIds() {
		delete(s.endpoints, gone)
	}
	for _, v := range d.GetChangedSecrets() {
		s.secrets[v.GetId()] = v
	}
	for _, gone := range d.GetDeletedSecretIds() {
		delete(s.secrets, gone)
	}
	if d.GetCapture() != nil {
		s.capture = d.GetCapture()
	}
	s.revision = d.GetRevision()
	s.deltas = append(s.deltas, d)
	if excess := len(s.deltas) - deltasKept; excess > 0 {
		s.floor = s.deltas[excess-1].GetRevision()
		s.deltas = slices.Delete(s.deltas, 0, excess)
	}
	s.wake()
}

func (s *state) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// since returns what a watcher at p has to be sent, where it then is, and what to
// wait for when that is nothing. Before the first load there is nothing.
func (s *state) since(p position) (updates []*policyv1.WatchResponse, now position, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		return nil, p, s.changed
	}
	now = position{s.era, s.revision}
	if p.era != s.era || p.revision < s.floor {
		return []*policyv1.WatchResponse{s.snapshot()}, now, s.changed
	}
	first, _ := slices.BinarySearchFunc(s.deltas, p.revision+1, func(d *policyv1.Delta, at uint64) int {
		return cmp.Compare(d.GetRevision(), at)
	})
	for _, d := range s.deltas[first:] {
		updates = append(updates, &policyv1.WatchResponse{Update: &policyv1.WatchResponse_Delta{Delta: d}})
	}
	return updates, now, s.changed
}

// snapshot requires the lock.
func (s *state) snapshot() *policyv1.WatchResponse {
	snap := &policyv1.Snapshot{Revision: s.revision, Capture: s.capture, ReplayKey: s.replayKey, SecretsUnavailable: s.secretsFault}
	for _, v := range s.secrets {
		snap.Secrets = append(snap.Secrets, v)
	}
	slices.SortFunc(snap.Secrets, func(a, b *policyv1.SecretValue) int { return cmp.Compare(a.GetId(), b.GetId()) })
	for _, e := range s.endpoints {
		snap.Endpoints = append(snap.Endpoints, e)
	}
	slices.SortFunc(snap.Endpoints, func(a, b *policyv1.Endpoint) int { return cmp.Compare(a.GetId(), b.GetId()) })
	return &policyv1.WatchResponse{Update: &policyv1.WatchResponse_Snapshot{Snapshot: snap}}
}

// counts are for metrics.
func (s *state) counts() (revision uint64, endpoints int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision, len(s.endpoints)
}
