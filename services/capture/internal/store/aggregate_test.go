package store_test

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/sample"
	"sluice.dev/services/capture/internal/store"
)

// aggregate asks over the hour before noon.
func aggregate(t *testing.T, s *store.Store, a store.AggregateQuery) []*store.Series {
	t.Helper()
	series, err := tryAggregate(t, s, a)
	if err != nil {
		t.Fatal(err)
	}
	return series
}

func tryAggregate(t *testing.T, s *store.Store, a store.AggregateQuery) ([]*store.Series, error) {
	t.Helper()
	a.Range = store.Range{From: noon.Add(-time.Hour), Until: noon}
	if a.Filter == nil {
		a.Filter = parse(t, "")
	}
	if a.Groups == 0 {
		a.Groups = 10
	}
	return s.Aggregate(t.Context(), a)
}

func parse(t testing.TB, filter string) *search.Query {
	t.Helper()
	q, err := search.Parse(filter)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// hour is 1000 exchanges over the hour before noon.
func hour(t *testing.T, s *store.Store) []*capturev1.Exchange {
	exchanges := sample.Some(7, 1000, noon.Add(-time.Hour), 3600*time.Millisecond)
	exchanges[3].Response, exchanges[3].Timings.Upstream = nil, nil
	insert(t, s, batch("w", 1, exchanges...))
	return exchanges
}

func durations(exchanges []*capturev1.Exchange) []float64 {
	var all []float64
	for _, e := range exchanges {
		all = append(all, float64(e.GetTimings().GetDuration().AsDuration()))
	}
	slices.Sort(all)
	return all
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

func TestNumbersOverAll(t *testing.T) {
	s := open(t)
	exchanges := hour(t, s)
	took := durations(exchanges)
	clients := map[string]bool{}
	for _, e := range exchanges {
		clients[e.GetConnection().GetClientIp()] = true
	}
	for _, c := range []struct {
		measure   store.Measure
		want      float64
		tolerance float64 // relative
	}{
		{store.Measure{Kind: capturev1.Aggregation_AGGREGATION_COUNT}, 1000, 0},
		{store.Measure{Kind: capturev1.Aggregation_AGGREGATION_CARDINALITY, Field: "ip"}, float64(len(clients)), 0},
		{store.Measure{Kind: capturev1.Aggregation_AGGREGATION_CARDINALITY, Field: "@error.kind"}, 0, 0},
		{store.Measure{Kind: capturev1.Aggregation_AGGREGATION_SUM, Field: "duration"}, sum(took), 1e-9},
		{store.Measure{Kind: capturev1.Aggregation_AGGREGATION_AVG, Field: "@duration"}, sum(took) / 1000, 1e-9},
		{store.Measure{Kind: capturev1.Aggregation_AGGREGATION_MIN, Field: "@duration"}, took[0], 0},
		{store.Measure{Kind: capturev1.Aggregation_AGGREGATION_MAX, Field: "@duration"}, took[999], 0},
		{store.Measure{Kind: capturev1.Aggregation_AGGREGATION_PERCENTILE, Field: "@duration", Percentile: 50}, took[499], 0.01},
		{store.Measure{Kind: capturev1.Aggregation_AGGREGATION_PERCENTILE, Field: "@duration", Percentile: 99}, took[989], 0.01},
	} {
		series := aggregate(t, s, store.AggregateQuery{Measure: c.measure})
		if len(series) != 1 || math.Abs(series[0].Value-c.want) > c.tolerance*c.want {
			t.Errorf("%+v is %v, want %v", c.measure, series[0].Value, c.want)
		}
	}
}

func TestNothingIsZero(t *testing.T) {
	s := open(t)
	for kind := capturev1.Aggregation_AGGREGATION_COUNT; kind <= capturev1.Aggregation_AGGREGATION_PERCENTILE; kind++ {
		series := aggregate(t, s, store.AggregateQuery{Measure: store.Measure{Kind: kind, Field: "upstream", Percentile: 95}, Interval: 30 * time.Minute})
		if len(series) != 1 || series[0].Value != 0 || !slices.Equal(series[0].Points, []float64{0, 0}) {
			t.Errorf("%v over nothing is %+v", kind, series)
		}
	}
}

func TestSeriesByTimeAndGroup(t *testing.T) {
	s := open(t)
	exchanges := hour(t, s)
	const step = 7 * time.Minute // the last of 9 is shorter
	want := map[string][]float64{}
	for _, e := range exchanges {
		if e.GetRequest().GetMethod() == "DELETE" {
			continue
		}
		key := e.GetRequest().GetMethod() + " " + statusText(e)
		if want[key] == nil {
			want[key] = make([]float64, 9)
		}
		want[key][e.GetStartTime().AsTime().Sub(noon.Add(-time.Hour))/step]++
	}
	series := aggregate(t, s, store.AggregateQuery{
		Measure: store.Measure{Kind: capturev1.Aggregation_AGGREGATION_COUNT}, Filter: parse(t, "-method:DELETE"),
		GroupBy: []string{"method", "@http.status_code"}, Groups: 1000, Interval: step,
	})
	if len(series) != len(want) {
		t.Errorf("%d groups, want %d", len(series), len(want))
	}
	for _, one := range series {
		points := want[strings.Join(one.Group, " ")]
		if !slices.Equal(one.Points, points) || one.Value != sum(points) {
			t.Errorf("%v has %v %v, want %v", one.Group, one.Value, one.Points, points)
		}
	}
	if !slices.IsSortedFunc(series, func(a, b *store.Series) int { return cmp.Compare(b.Value, a.Value) }) {
		t.Error("groups are not sorted by value")
	}
}

func statusText(e *capturev1.Exchange) string {
	if e.GetResponse() == nil {
		return ""
	}
	return strconv.Itoa(int(e.GetResponse().GetStatusCode()))
}

func TestTopGroupsKeepTheirPoints(t *testing.T) {
	s := open(t)
	hour(t, s)
	a := store.AggregateQuery{Measure: store.Measure{Kind: capturev1.Aggregation_AGGREGATION_SUM, Field: "@duration"}, GroupBy: []string{"ip"}, Groups: 1000, Interval: 10 * time.Minute}
	every := aggregate(t, s, a)
	a.Groups = 3
	top := aggregate(t, s, a)
	if len(top) != 3 {
		t.Fatalf("%d groups, want 3", len(top))
	}
	for i, one := range top {
		if !slices.Equal(one.Group, every[i].Group) || math.Abs(sum(one.Points)/one.Value-1) > 1e-9 {
			t.Errorf("group %d is %v with %v of %v", i, one.Group, sum(one.Points), one.Value)
		}
	}
}

func TestGroupsByEveryKindOfField(t *testing.T) {
	s := open(t)
	e := sample.Full(noon.Add(-time.Minute))
	insert(t, s, batch("w", 1, e))
	for field, want := range map[string]string{
		"@http.method": "PATCH", "host": "shop.example", "ip": "203.0.113.9", "@network.destination.ip": "2001:db8::1",
		"header.X-B": "1", "query.y": " ", "@http.referer": "", "source": "sluice", "@http.request.body_truncated": "true",
		"@network.client.port": "51234", "status": "info", "@evt.outcome": "failure", "resheader.set-cookie": "a=1", "@tls.version": "1.3",
		"@http.request.body_length": "9000", "@conn.server_name": "shop.example", "@traffic_policy.revision": "77",
	} {
		series := aggregate(t, s, store.AggregateQuery{Measure: store.Measure{Kind: capturev1.Aggregation_AGGREGATION_COUNT}, GroupBy: []string{field}, Interval: time.Hour})
		if len(series) != 1 || series[0].Group[0] != want || series[0].Points[0] != 1 {
			t.Errorf("group by %s gives %+v, want %q", field, series, want)
		}
	}
}

func TestEveryFieldCanBeGroupedByOrSaysWhyNot(t *testing.T) {
	s := open(t)
	for _, f := range search.Fields() {
		name := f.Name
		if f.Family {
			name += ".x"
		}
		_, err := tryAggregate(t, s, store.AggregateQuery{Measure: store.Measure{Kind: capturev1.Aggregation_AGGREGATION_CARDINALITY, Field: name}, GroupBy: []string{name}})
		if refused := f.Unsupported != "" || f.Type == search.Time; (err != nil) != refused || err != nil && !errs.Is(err, errs.ReasonInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongAggregatesSayWhatIsRight(t *testing.T) {
	s := open(t)
	sumOf := func(field string) store.Measure {
		return store.Measure{Kind: capturev1.Aggregation_AGGREGATION_SUM, Field: field}
	}
	for name, c := range map[string]struct {
		query store.AggregateQuery
		field string
	}{
		"no aggregation":     {store.AggregateQuery{}, "aggregation"},
		"no field":           {store.AggregateQuery{Measure: sumOf("")}, "field"},
		"unknown field":      {store.AggregateQuery{Measure: sumOf("@nothing")}, "field"},
		"text":               {store.AggregateQuery{Measure: sumOf("path")}, "field"},
		"no percentile":      {store.AggregateQuery{Measure: store.Measure{Kind: capturev1.Aggregation_AGGREGATION_PERCENTILE, Field: "duration"}}, "percentile"},
		"group by time":      {store.AggregateQuery{Measure: sumOf("duration"), GroupBy: []string{"method", "date"}}, "group_by[1]"},
		"unknown group":      {store.AggregateQuery{Measure: sumOf("duration"), GroupBy: []string{"colour"}}, "group_by[0]"},
		"field not captured": {store.AggregateQuery{Measure: sumOf("duration"), GroupBy: []string{"@principal.id"}}, "group_by[0]"},
	} {
		_, err := tryAggregate(t, s, c.query)
		e := errs.As(err)
		if e == nil || e.Reason != errs.ReasonInvalid || len(e.Violations) == 0 || e.Violations[0].Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}
