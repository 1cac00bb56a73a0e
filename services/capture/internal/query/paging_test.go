package query

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/errs"
	"sluice.dev/platform/id"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

// table is a service over a store of its own.
type table struct {
	*Service
	t     testing.TB
	clock *clock.Fake
	seq   uint64
}

func newTable(t testing.TB) *table {
	t.Helper()
	clk := clock.NewFake(time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour))
	limits := store.Limits{Time: 10 * time.Second, Rows: 1e9, Bytes: 1e12}
	s, err := store.Open(t.Context(), testenv.ClickHouse(t), 72*time.Hour, limits, clk, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &table{Service: New(s, nil, nil, clk), t: t, clock: clk, seq: 1}
}

func (tb *table) insert(exchanges ...*capturev1.Exchange) {
	tb.t.Helper()
	b := store.NewBatch(&capturev1.Batch{Id: id.Batch.New(), Exchanges: exchanges})
	b.Stamp("w", tb.seq)
	tb.seq += uint64(len(exchanges))
	if err := tb.store.Insert(context.Background(), b); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *table) list(req *capturev1.ListExchangesRequest) *capturev1.ListExchangesResponse {
	tb.t.Helper()
	resp, err := tb.List(context.Background(), req)
	if err != nil {
		tb.t.Fatalf("%v: %v", req, err)
	}
	return resp
}

// some are exchanges of which many have equal durations, sizes, states and times.
func some(seed uint64, n int, from time.Time) []*capturev1.Exchange {
	all := sample.Some(seed, n, from, time.Millisecond)
	for i, e := range all {
		e.StartTime.Nanos -= e.StartTime.Nanos % 5e6
		e.Timings.Duration = durationpb.New(time.Duration(i%7) * time.Millisecond)
		e.Request.Body.Size, e.Response.Body.Size = uint64(i%5), uint64(i%3)
		if i%11 == 0 {
			e.Response = nil
		}
	}
	return all
}

// Every exchange that was there at the first page comes exactly once and in order,
// whatever arrives between the pages.
func TestPagesHoldStillWhileRowsArrive(t *testing.T) {
	tb := newTable(t)
	start := tb.clock.Now().Add(-time.Hour)
	there := some(1, 120, start)
	tb.insert(there...)
	for _, by := range store.Sorts() {
		for _, direction := range []string{" asc", " desc"} {
			order, err := ParseOrder(string(by) + direction)
			if err != nil {
				t.Fatal(err)
			}
			got := tb.walk(string(by)+direction, there)
			want := slices.Clone(there)
			slices.SortFunc(want, func(a, b *capturev1.Exchange) int { return inOrder(order, a, b) })
			if !slices.Equal(ids(got), ids(want)) {
				t.Errorf("%s%s: %d exchanges, %d expected, or another order", by, direction, len(got), len(want))
			}
		}
	}
}

// walk reads all pages of a list while more rows arrive, and returns what was there.
func (tb *table) walk(order string, there []*capturev1.Exchange) (got []*capturev1.Exchange) {
	known := map[string]bool{}
	for _, e := range there {
		known[e.GetId()] = true
	}
	seen := map[string]bool{}
	req := &capturev1.ListExchangesRequest{Limit: 37, OrderBy: order}
	for page := uint64(0); ; page++ {
		resp := tb.list(req)
		for _, e := range resp.GetExchanges() {
			if seen[e.GetId()] {
				tb.t.Errorf("%s: %s comes twice", order, e.GetId())
			}
			seen[e.GetId()] = true
			if known[e.GetId()] {
				got = append(got, e)
			}
		}
		if req.Cursor = resp.GetNextCursor(); req.Cursor == "" {
			return got
		}
		if page > 1 {
			continue
		}
		// New ones, and some that come late.
		tb.insert(some(100+page, 20, tb.clock.Now())...)
		tb.insert(some(200+page, 20, tb.clock.Now().Add(-time.Hour))...)
		tb.clock.Advance(time.Second)
	}
}

func inOrder(o store.Order, a, b *capturev1.Exchange) int {
	p, q := o.Place(a), o.Place(b)
	n := cmp.Or(cmp.Compare(p.Value, q.Value), strings.Compare(p.ID, q.ID))
	if o.By == store.ByStart {
		n = cmp.Or(p.Time.Compare(q.Time), strings.Compare(p.ID, q.ID))
	}
	if o.Ascending {
		return n
	}
	return -n
}

func ids(exchanges []*capturev1.Exchange) []string {
	all := make([]string, len(exchanges))
	for i, e := range exchanges {
		all[i] = e.GetId()
	}
	return all
}

func TestCursorKeepsItsOrder(t *testing.T) {
	tb := newTable(t)
	tb.insert(some(1, 10, tb.clock.Now().Add(-time.Hour))...)
	next := tb.list(&capturev1.ListExchangesRequest{Limit: 2, OrderBy: "duration"}).GetNextCursor()
	if _, err := tb.List(t.Context(), &capturev1.ListExchangesRequest{Limit: 2, Cursor: next}); !errs.Is(err, errs.ReasonInvalid) {
		t.Errorf("a cursor of another order: %v", err)
	}
}

func TestSearchSaysWhatItDoesNotKnow(t *testing.T) {
	tb := newTable(t)
	e := sample.Full(tb.clock.Now().Add(-time.Minute))
	e.Policy.Logs = []string{`{"tenant":{"name":"acme","seats":12}}`}
	tb.insert(e)
	resp := tb.list(&capturev1.ListExchangesRequest{Filter: `@tenant.name:acme @tenant.seats:>9 -@tenant.colour:red -env:prod`})
	if len(resp.GetExchanges()) != 1 || strings.Join(resp.GetUnknownFields(), " ") != "@tenant.colour env" {
		t.Errorf("%d exchanges, unknown %v", len(resp.GetExchanges()), resp.GetUnknownFields())
	}
	if len(resp.GetHints()) == 0 {
		t.Error("no hint about log entries")
	}
	if hints := tb.list(&capturev1.ListExchangesRequest{Filter: "status:5xx method:GET"}).GetHints(); len(hints) > 0 {
		t.Errorf("needless hints: %v", hints)
	}
}

func TestValidateSearch(t *testing.T) {
	tb := newTable(t)
	for filter, want := range map[string]*capturev1.ValidateSearchResponse{
		"":                  {Printed: "*", Cel: "true"},
		"a OR method:get b": {Printed: "a OR (@http.method:GET AND b)", Cel: `words("a") || (req.method == "GET" && words("b"))`},
		"cel: res.status_code >= 500 && foo.bar == 1": {Printed: `@http.status_code:>=500 AND @foo.bar:1`, Cel: `res.status_code >= 500 && foo.bar == "1"`,
			UnknownFields: []string{"@foo.bar"}, Hints: []string{"@foo.bar:1 reads the log entries of every exchange in the time range"}},
		"status:5xx and x": {Printed: "@http.status_code:[500 TO 599] AND and AND x", Cel: `res.status_code >= 500 && res.status_code <= 599 && words("and") && words("x")`,
			Hints: []string{"and is searched as a word; did you mean AND?"}},
	} {
		got, err := tb.Validate(t.Context(), &capturev1.ValidateSearchRequest{Filter: filter})
		if err != nil || got.GetPrinted() != want.GetPrinted() || got.GetCel() != want.GetCel() ||
			!slices.Equal(got.GetUnknownFields(), want.GetUnknownFields()) || !slices.Equal(got.GetHints(), want.GetHints()) {
			t.Errorf("%s: %v, %v", filter, got, err)
		}
	}
	if _, err := tb.Validate(t.Context(), &capturev1.ValidateSearchRequest{Filter: "(a"}); errs.As(err) == nil {
		t.Errorf("a faulty filter: %v", err)
	}
}
