package control

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/services/proxy/internal/route"
)

// Store holds the configuration in force. Readers take it without a lock; one
// writer replaces it.
type Store struct {
	state    atomic.Pointer[State]
	onChange func(*State)
	log      *slog.Logger
	revision prometheus.Gauge
	count    prometheus.Gauge
	faulty   prometheus.Gauge
}

// NewStore returns a store without a configuration. onChange is called after each
// change, by the writer.
func NewStore(onChange func(*State), reg prometheus.Registerer, log *slog.Logger) *Store {
	s := &Store{onChange: onChange, log: log,
		revision: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_proxy_config_revision", Help: "Newest revision of the configuration that is in force."}),
		count:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_proxy_endpoints", Help: "Endpoints that are published here."}),
		faulty:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_proxy_faulty_endpoints", Help: "Endpoints whose newest revision cannot be used here; the one before is served, if there is one."}),
	}
	reg.MustRegister(s.revision, s.count, s.faulty)
	return s
}

// State returns the configuration in force; nil before the first one.
func (s *Store) State() *State { return s.state.Load() }

// Replace puts a whole snapshot in force.
func (s *Store) Replace(snap *policyv1.Snapshot) {
	docs := make(map[string]*policyv1.Endpoint, len(snap.GetEndpoints()))
	for _, doc := range snap.GetEndpoints() {
		docs[doc.GetId()] = doc
	}
	var known *secrets
	if old := s.State(); old != nil {
		known = old.secrets
	}
	s.install(docs, &State{
		Revision: snap.GetRevision(), Capture: snap.GetCapture(), ReplayKey: snap.GetReplayKey(),
		secrets: newSecrets(snap.GetSecrets(), snap.GetSecretsUnavailable(), known),
	})
}

// Apply puts a change in force.
func (s *Store) Apply(d *policyv1.Delta) {
	old := s.State()
	docs := make(map[string]*policyv1.Endpoint, len(old.byID)+len(d.GetChanged()))
	for id, e := range old.byID {
		docs[id] = e.newest()
	}
	for _, id := range d.GetDeletedIds() {
		delete(docs, id)
	}
	for _, doc := range d.GetChanged() {
		docs[doc.GetId()] = doc
	}
	capture := d.GetCapture()
	if capture == nil {
		capture = old.Capture
	}
	s.install(docs, &State{Revision: d.GetRevision(), Capture: capture, ReplayKey: old.ReplayKey, secrets: old.secrets.apply(d)})
}

// install puts next in force, with endpoints made of docs.
func (s *Store) install(docs map[string]*policyv1.Endpoint, next *State) {
	next.Routes, next.byID = route.New[*Endpoint](), make(map[string]*Endpoint, len(docs))
	faulty := 0
	// In order of id, which is the order of making: of two endpoints with one
	// address the older keeps it.
	for _, id := range slices.SortedFunc(maps.Keys(docs), strings.Compare) {
		e, err := s.ready(docs[id])
		if err != nil {
			faulty++
		}
		if e == nil {
			continue
		}
		next.byID[id] = e
		if err := next.Routes.Add(e.address, e); err != nil {
			faulty++
			s.log.Error("an endpoint is not served", "endpoint", id, "url", e.URL, "error", err)
		}
	}
	s.state.Store(next)
	s.revision.Set(float64(next.Revision))
	s.count.Set(float64(len(next.byID)))
	s.faulty.Set(float64(faulty))
	s.onChange(next)
}

// ready compiles doc unless that was done before. When doc cannot be used, the
// version before it stays in force; without one the endpoint answers with an
// error rather than without its policy.
func (s *Store) ready(doc *policyv1.Endpoint) (*Endpoint, error) {
	var before *Endpoint
	if old := s.State(); old != nil {
		before = old.byID[doc.GetId()]
	}
	if before != nil && proto.Equal(before.newest(), doc) {
		return before, before.fault()
	}
	e, err := compile(doc, before)
	if err == nil {
		return e, nil
	}
	kept := before != nil && before.Fault == ""
	s.log.Error("an endpoint's new revision cannot be used", "endpoint", doc.GetId(), "url", doc.GetUrl(), "revision", doc.GetRevision(), "error", err, "previous_kept", kept)
	if kept {
		same := *before
		same.rejected, same.rejectedFor = doc, err
		return &same, err
	}
	if e != nil {
		e.Fault = err.Error()
	}
	return e, err
}

// Snapshot is the state as it is kept on disk: what is served, so that a version
// that cannot be used does not replace a good one there either. It holds secrets
// in clear.
func (st *State) Snapshot() *policyv1.Snapshot {
	out := &policyv1.Snapshot{
		Revision: st.Revision, Capture: st.Capture, ReplayKey: st.ReplayKey,
		Secrets: st.secrets.docs(), SecretsUnavailable: st.secrets.unavailable,
	}
	for _, id := range slices.Sorted(maps.Keys(st.byID)) {
		out.Endpoints = append(out.Endpoints, st.byID[id].doc)
	}
	return out
}
