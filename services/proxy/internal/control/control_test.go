package control

import (
	"bytes"
	"crypto/sha256"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"
)

func newStore() *Store {
	return NewStore(func(*State) {}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
}

func TestUnchangedEndpointsAreNotCompiledAgain(t *testing.T) {
	s := newStore()
	a := &policyv1.Endpoint{Id: "ep_a", Url: "http://a.test", Revision: 1, TrafficPolicy: "on_http_request: [{actions: [{type: deny}]}]"}
	s.Replace(&policyv1.Snapshot{Revision: 1, Endpoints: []*policyv1.Endpoint{a}})
	before, _ := s.State().Routes.Find("http", "a.test", "80")
	s.Apply(&policyv1.Delta{Revision: 2, Changed: []*policyv1.Endpoint{{Id: "ep_b", Url: "http://b.test", Revision: 2}}})
	s.Replace(&policyv1.Snapshot{Revision: 3, Endpoints: []*policyv1.Endpoint{proto.CloneOf(a)}})
	if after, ok := s.State().Routes.Find("http", "a.test", "80"); !ok || after != before || after.Policy == nil {
		t.Error("compiled again")
	}
	if s.State().Endpoints() != 1 || s.State().Revision != 3 {
		t.Errorf("%+v", s.State())
	}
}

func TestOlderEndpointKeepsAnAddress(t *testing.T) {
	s := newStore()
	s.Replace(&policyv1.Snapshot{Endpoints: []*policyv1.Endpoint{{Id: "ep_2", Url: "http://a.test"}, {Id: "ep_1", Url: "http://A.test:80"}}})
	if e, ok := s.State().Routes.Find("http", "a.test", "80"); !ok || e.ID != "ep_1" {
		t.Errorf("%v", e)
	}
}

func TestRejectedVersionDoesNotReplaceAGoodOneOnDisk(t *testing.T) {
	s := newStore()
	good := &policyv1.Endpoint{Id: "ep_a", Url: "http://a.test", Revision: 1}
	s.Replace(&policyv1.Snapshot{Endpoints: []*policyv1.Endpoint{good}})
	s.Apply(&policyv1.Delta{Revision: 2, Changed: []*policyv1.Endpoint{{Id: "ep_a", Url: "http://a.test", Revision: 2, Upstream: &policyv1.Upstream{Url: "gopher://x"}}}})
	if got := s.State().Snapshot().GetEndpoints(); len(got) != 1 || !proto.Equal(got[0], good) {
		t.Errorf("%v", got)
	}
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snapshot.pb")
	f := file{path: path}
	if snap, err := f.load(); snap != nil || err != nil {
		t.Errorf("without a file: %v %v", snap, err)
	}
	want := &policyv1.Snapshot{Revision: 5, ReplayKey: []byte("k"), Endpoints: []*policyv1.Endpoint{{Id: "ep_a", Url: "http://a.test"}}}
	for range 2 {
		if err := f.save(want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.load()
	if err != nil || !proto.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
	info, _ := os.Stat(path)
	entries, _ := os.ReadDir(filepath.Dir(path))
	if info.Mode().Perm() != 0o600 || len(entries) != 1 {
		t.Errorf("mode %v, %d files", info.Mode(), len(entries))
	}
}

func TestFileOfTheFirstVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snapshot.pb")
	want := &policyv1.Snapshot{Revision: 5, ReplayKey: []byte("k")}
	body, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	if err := os.WriteFile(path, append(append([]byte(firstFileMagic), sum[:]...), body...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := (file{path: path}).load(); err != nil || !proto.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
}

func FuzzLoad(f *testing.F) {
	path := filepath.Join(f.TempDir(), "good")
	if err := (file{path: path}).save(&policyv1.Snapshot{Revision: 5}); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte(fileMagic))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "snapshot.pb")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (file{path: path}).load(); err == nil && !bytes.HasPrefix(content, []byte(fileMagic)) && !bytes.HasPrefix(content, []byte(firstFileMagic)) {
			t.Errorf("%q was taken", content)
		}
	})
}
