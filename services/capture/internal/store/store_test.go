package store_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/testing/protocmp"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/id"
	"sluice.dev/platform/search"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }

var (
	// Of today, for ClickHouse removes old rows by its own clock.
	noon   = time.Now().UTC().Truncate(24 * time.Hour).Add(12*time.Hour + 123456789)
	limits = store.Limits{Time: 10 * time.Second, Rows: 1e9, Bytes: 1e12}
)

// open returns a store of its own whose clock stands at noon.
func open(t testing.TB) *store.Store {
	t.Helper()
	return openAt(t, testenv.ClickHouse(t), noon)
}

func openAt(t testing.TB, dsn string, now time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn, 72*time.Hour, limits, clock.NewFake(now), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// batch is a stamped batch.
func batch(writer string, first uint64, exchanges ...*capturev1.Exchange) *store.Batch {
	b := store.NewBatch(&capturev1.Batch{Id: id.Batch.New(), Exchanges: exchanges})
	b.Stamp(writer, first)
	return b
}

func insert(t testing.TB, s *store.Store, b *store.Batch) {
	t.Helper()
	if err := s.Insert(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

func all(t testing.TB, s *store.Store, filter string) []*capturev1.Exchange {
	t.Helper()
	q, err := search.Parse(filter)
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := s.List(context.Background(), store.ListQuery{
		Range: store.Range{From: noon.Add(-72 * time.Hour), Until: noon.Add(72 * time.Hour)}, Filter: q, Limit: 1000,
	})
	if err != nil {
		t.Fatalf("%s: %v", filter, err)
	}
	return found
}

func TestExchangeComesBackAsItWas(t *testing.T) {
	s := open(t)
	full, bare := sample.Full(noon), sample.Bare(noon.Add(-time.Hour))
	insert(t, s, batch("w", 1, full, bare))
	for _, want := range []*capturev1.Exchange{full, bare} {
		got, err := s.Get(t.Context(), want.GetId())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("the exchange changed (-want +got):\n%s", diff)
		}
	}
	listed := all(t, s, "")
	if diff := cmp.Diff([]*capturev1.Exchange{brief(full), brief(bare)}, listed, protocmp.Transform()); diff != "" {
		t.Errorf("the list differs (-want +got):\n%s", diff)
	}
}

// brief is what lists tell of an exchange.
func brief(e *capturev1.Exchange) *capturev1.Exchange {
	req, res, conn, policy := e.GetRequest(), e.GetResponse(), e.GetConnection(), e.GetPolicy()
	req.Headers, req.Trailers, req.Body.Content = nil, nil, nil
	if res != nil {
		res.Headers, res.Trailers, res.Body.Content = nil, nil, nil
	}
	if policy != nil {
		policy.Logs, policy.Decisions = nil, nil
	}
	if tls := conn.GetTls(); tls != nil {
		tls.ClientCertificate = nil
	}
	if geo := conn.GetGeo(); geo != nil {
		geo.Latitude, geo.Longitude = 0, 0
	}
	if e.Upstream != nil {
		e.Upstream.FailedAttempts = nil
	}
	e.PolicyTrace, e.Messages, e.Redactions = nil, nil, nil
	return e
}

func TestGetNamesReplays(t *testing.T) {
	s := open(t)
	first := sample.Bare(noon.Add(-time.Minute))
	one, two := sample.Bare(noon), sample.Bare(noon.Add(time.Second))
	one.ReplayOf, two.ReplayOf = first.GetId(), first.GetId()
	insert(t, s, batch("w", 1, two, first, one))
	got, err := s.Get(t.Context(), first.GetId())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{one.GetId(), two.GetId()}; !slices.Equal(got.GetReplays(), want) {
		t.Errorf("replays are %v, want %v", got.GetReplays(), want)
	}
}

func TestGetFindsWhatItsIDDoesNotTell(t *testing.T) {
	s := open(t)
	e := sample.Bare(noon.Add(-5 * time.Hour))
	e.Id = id.Exchange.At(noon)
	insert(t, s, batch("w", 1, e))
	if _, err := s.Get(t.Context(), e.GetId()); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(t.Context(), id.Exchange.At(noon)); err == nil {
		t.Error("an id that is not stored was found")
	}
}

func TestBatchIsStoredOnce(t *testing.T) {
	s := open(t)
	midnight := noon.Truncate(24 * time.Hour)
	b := store.NewBatch(&capturev1.Batch{Id: id.Batch.New(), Exchanges: sample.Some(1, 10, midnight.Add(-5*time.Second), time.Second)})
	for attempt := range uint64(3) {
		b.Stamp("w", 1+100*attempt)
		insert(t, s, b)
	}
	if were, err := s.InsertAgain(t.Context(), b); were != 1 || err != nil {
		t.Errorf("%d batches are said to have been there: %v", were, err)
	}
	if got := len(all(t, s, "")); got != 10 {
		t.Errorf("%d rows after 4 inserts of 10 over two days", got)
	}
}

func TestBatchIsStoredAgainWhenItIsMissing(t *testing.T) {
	s := open(t)
	b := batch("w", 1, sample.Some(1, 10, noon, time.Second)...)
	if stored, err := s.Stored(t.Context(), b); stored || err != nil {
		t.Fatal(stored, err)
	}
	if were, err := s.InsertAgain(t.Context(), b); were != 0 || err != nil {
		t.Fatalf("a new batch is said to have been there: %v, %v", were, err)
	}
	if stored, err := s.Stored(t.Context(), b); !stored || err != nil {
		t.Fatal(stored, err)
	}
	if got := len(all(t, s, "")); got != 10 {
		t.Errorf("%d rows, want 10", got)
	}
}

func TestGroupStoresWhatIsMissing(t *testing.T) {
	s := open(t)
	midnight := noon.Truncate(24 * time.Hour)
	var group []*store.Batch
	for i := range uint64(6) {
		b := store.NewBatch(&capturev1.Batch{Id: id.Batch.New(), Exchanges: sample.Some(i, 10, midnight.Add(-5*time.Second), time.Second)})
		b.Stamp("w", 1+100*i)
		group = append(group, b)
	}
	insert(t, s, group[1])
	if err := s.Insert(t.Context(), group[2], group[4]); err != nil {
		t.Fatal(err)
	}
	if were, err := s.InsertAgain(t.Context(), group...); were != 3 || err != nil {
		t.Errorf("%d batches are said to have been there: %v", were, err)
	}
	if err := s.Insert(t.Context(), group[2], group[4]); err != nil {
		t.Fatal(err)
	}
	if got := len(all(t, s, "")); got != 60 {
		t.Errorf("%d rows of 6 batches of 10", got)
	}
}

func TestExpiredBatchIsNoFailure(t *testing.T) {
	s := open(t)
	b := batch("w", 1, sample.Some(1, 10, noon.Add(-100*time.Hour), time.Second)...)
	if _, err := s.InsertAgain(t.Context(), b); err != nil {
		t.Error(err)
	}
}

func TestRetentionIsChanged(t *testing.T) {
	dsn := testenv.ClickHouse(t)
	openAt(t, dsn, noon)
	s, err := store.Open(t.Context(), dsn, time.Hour, limits, clock.NewFake(noon), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	insert(t, s, batch("w", 1, sample.Bare(noon.Add(-2*time.Hour)), sample.Bare(noon)))
	if got := len(all(t, s, "")); got != 1 {
		t.Errorf("%d rows are shown, want only that within the hour", got)
	}
}

func TestLogHasBodiesAndNoTrace(t *testing.T) {
	s := open(t)
	full := sample.Full(noon)
	insert(t, s, batch("w", 1, full))
	everything, err := search.Parse("")
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Log(t.Context(), store.LogQuery{Spans: map[string]store.Span{"w": {UpTo: 9}}, Filter: everything, Limit: 9, Bodies: true})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	full.PolicyTrace, full.Messages = nil, nil
	if diff := cmp.Diff(full, got[0].Exchange, protocmp.Transform()); diff != "" {
		t.Errorf("the entry differs (-want +got):\n%s", diff)
	}
}
