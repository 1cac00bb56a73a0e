package store_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice.dev/platform/clickhouse"
	"sluice.dev/platform/clock"
	"sluice.dev/platform/search"
	"sluice.dev/platform/testenv"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

// counting is a store with exchanges of the last five hours.
type counting struct {
	t         *testing.T
	store     *store.Store
	clock     *clock.Fake
	exchanges []*capturev1.Exchange
}

func newCounting(t *testing.T) *counting {
	clk := clock.NewFake(noon)
	s, err := store.Open(t.Context(), testenv.ClickHouse(t), 72*time.Hour, limits, clk, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	c := &counting{t: t, store: s, clock: clk}
	c.add(sample.Some(1, 3000, noon.Add(-5*time.Hour), 6*time.Second))
	return c
}

// add stores exchanges as the committer does.
func (c *counting) add(all []*capturev1.Exchange) {
	c.t.Helper()
	for i, e := range all {
		e.Route, e.Connection.Geo = e.GetRequest().GetPath(), &capturev1.Geo{CountryCode: []string{"CH", "DE", ""}[i%3]}
		if i%50 == 0 {
			e.Response = nil
		}
	}
	insert(c.t, c.store, batch("w", uint64(len(c.exchanges)+1), all...))
	c.exchanges = append(c.exchanges, all...)
}

// roll lets time pass until all is counted that is due.
func (c *counting) roll() {
	c.t.Helper()
	c.clock.Advance(time.Minute)
	if err := c.store.Roll(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

func (c *counting) recover() {
	c.t.Helper()
	if err := c.store.Recover(c.t.Context(), "w", 0); err != nil {
		c.t.Fatal(err)
	}
}

// check compares histogram and facets with what the exchanges say themselves.
func (c *counting) check(what, filter string, keep func(*capturev1.Exchange) bool) {
	c.t.Helper()
	q, between := parse(c.t, filter), store.Range{From: noon.Add(-4*time.Hour - 90*time.Second), Until: noon.Add(-time.Second)}
	origin := between.From.Truncate(5 * time.Minute)
	got, err := c.store.Histogram(c.t.Context(), store.HistogramQuery{Range: between, Origin: origin, Filter: q, Interval: 5 * time.Minute})
	if err != nil {
		c.t.Fatal(err)
	}
	want, methods, countries, statuses := make([]store.Bucket, len(got)), map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	for _, e := range c.exchanges {
		at := e.GetStartTime().AsTime()
		if at.Before(between.From) || !at.Before(between.Until) || !keep(e) {
			continue
		}
		want[at.Sub(origin)/(5*time.Minute)][e.GetResponse().GetStatusCode()/100]++
		methods[e.GetRequest().GetMethod()]++
		if code := e.GetConnection().GetGeo().GetCountryCode(); code != "" {
			countries[code]++
		}
		class := fmt.Sprintf("%dxx", e.GetResponse().GetStatusCode()/100)
		if e.GetResponse() == nil {
			class = "none"
		}
		statuses[class]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Errorf("%s: the histogram differs (-want +got):\n%s", what, diff)
	}
	series, err := c.store.Aggregate(c.t.Context(), store.AggregateQuery{Range: between, Filter: q, Groups: 9, GroupBy: []string{"method"},
		Measure: store.Measure{Kind: capturev1.Aggregation_AGGREGATION_COUNT}})
	if err != nil || len(series) != len(methods) || uint64(series[0].Value) != methods[series[0].Group[0]] {
		c.t.Errorf("%s: the aggregate is %v of %v: %v", what, series, methods, err)
	}
	facets, err := c.store.Facets(c.t.Context(), store.FacetQuery{Range: between, Filter: q, Limit: 20,
		Fields: []string{"method", "country", "@http.status_class", "ip", "header.x-request-id", "route", "status", "@http.status_code"}})
	if err != nil {
		c.t.Fatal(err)
	}
	for i, want := range []map[string]uint64{methods, countries, statuses} {
		got := map[string]uint64{}
		for _, v := range facets[i].Values {
			got[v.Value] = v.Count
		}
		if diff := cmp.Diff(want, got); diff != "" || facets[i].Distinct != uint64(len(want)) {
			c.t.Errorf("%s: facet %d with %d values differs (-want +got):\n%s", what, i, facets[i].Distinct, diff)
		}
	}
	if ids := facets[4]; len(ids.Values) > 20 || ids.Distinct < 20 && filter == "" {
		c.t.Errorf("%s: %d of %d values of a header", what, len(ids.Values), ids.Distinct)
	}
}

func everything(*capturev1.Exchange) bool { return true }

func TestCountsAreThoseOfTheExchangesFromWhereverTheyCome(t *testing.T) {
	c := newCounting(t)
	get := func(e *capturev1.Exchange) bool { return e.GetRequest().GetMethod() == "GET" }
	all := func(what string) {
		t.Helper()
		c.check(what, "", everything)
		c.check(what, "method:GET", get)
		c.check(what, "method:GET ip:203.0.113.0/24", get)
	}
	all("before anything is counted")
	c.recover()
	all("before the first roll")
	c.roll()
	all("counted")
	c.add(sample.Some(2, 200, noon.Add(-3*time.Hour), time.Second))
	all("with late exchanges")
	c.roll()
	all("with late exchanges counted")
	c.roll()
	all("counted again")
}

func TestCountsGoOnAfterARestart(t *testing.T) {
	c := newCounting(t)
	c.recover()
	c.roll()
	if got := c.store.Ledger.Complete(); got.Before(noon) {
		t.Errorf("counted up to %s only", got)
	}
	c.recover() // as a process does that has lost its place
	c.check("recovered", "", everything)
	c.roll()
	c.check("counted twice", "", everything)
}

func TestClausesOfFacetsSelectTheirValues(t *testing.T) {
	s := open(t)
	insert(t, s, batch("w", 1, sample.Full(noon), sample.Bare(noon.Add(-time.Second))))
	fields := []string{"ip", "path", "@http.status_class", "status", "@http.status_code", "@network.destination.ip", "query.x", "header.x-b", "user", "@duration", "country", "@traffic_policy.decisions.jwt", "city", "redacted_by"}
	facets, err := s.Facets(t.Context(), store.FacetQuery{Range: store.Range{From: noon.Add(-time.Hour), Until: noon.Add(time.Hour)}, Filter: parse(t, ""), Fields: fields, Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range facets {
		if len(f.Values) == 0 {
			t.Errorf("%s has no values", fields[i])
		}
		for _, v := range f.Values {
			if clause := search.Clause(fields[i], v.Value); uint64(len(all(t, s, clause))) != v.Count {
				t.Errorf("%s finds %d, not %d", clause, len(all(t, s, clause)), v.Count)
			}
		}
	}
}

// The exchanges are gone, and what was counted is still there.
func TestCountsAreReadWhereTheyAre(t *testing.T) {
	dsn := testenv.ClickHouse(t)
	clk := clock.NewFake(noon)
	s, err := store.Open(t.Context(), dsn, 72*time.Hour, limits, clk, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	hour := noon.Truncate(time.Hour)
	insert(t, s, batch("w", 1, sample.Some(1, 3000, hour.Add(-3*time.Hour), time.Second)...))
	if err := s.Recover(t.Context(), "w", 0); err != nil {
		t.Fatal(err)
	}
	clk.Advance(time.Minute)
	if err := s.Roll(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(t.Context(), dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Exec(t.Context(), "TRUNCATE TABLE exchanges"); err != nil {
		t.Fatal(err)
	}
	between := store.Range{From: hour.Add(-3 * time.Hour), Until: hour.Add(-2 * time.Hour)}
	facets, err := s.Facets(t.Context(), store.FacetQuery{Range: between, Filter: parse(t, ""), Fields: []string{"method", "ip"}, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range facets {
		total := uint64(0)
		for _, v := range f.Values {
			total += v.Count
		}
		if total != 3000 {
			t.Errorf("facet %d counts %d of 3000", i, total)
		}
	}
}
