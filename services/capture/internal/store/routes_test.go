package store_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"sluice.dev/services/capture/internal/store"
)

// Routes are the same whether exchanges are read or counts.
func TestRoutesAreCounted(t *testing.T) {
	c := newCounting(t)
	between := store.Range{From: noon.Add(-4*time.Hour - 90*time.Second), Until: noon.Add(-time.Second)}
	check := func(what string) {
		t.Helper()
		got, err := c.store.Routes(t.Context(), store.RouteQuery{Range: between, EndpointID: "ep_1", Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		type key struct{ method, route string }
		requests, errors, durations := map[key]uint64{}, map[key]uint64{}, map[key][]float64{}
		for _, e := range c.exchanges {
			at, k := e.GetStartTime().AsTime(), key{e.GetRequest().GetMethod(), e.GetRoute()}
			if at.Before(between.From) || !at.Before(between.Until) {
				continue
			}
			requests[k]++
			durations[k] = append(durations[k], e.GetTimings().GetDuration().AsDuration().Seconds())
			if e.GetResponse() == nil || e.GetResponse().GetStatusCode() >= 500 {
				errors[k]++
			}
		}
		if len(got) != len(requests) || len(got) == 0 {
			t.Errorf("%s: %d routes, want %d", what, len(got), len(requests))
		}
		for i, r := range got {
			k := key{r.GetMethod(), r.GetRoute()}
			slices.Sort(durations[k])
			if r.GetRequests() != requests[k] || r.GetErrors() != errors[k] || r.GetEndpointName() != "shop" || i > 0 && r.GetRequests() > got[i-1].GetRequests() {
				t.Errorf("%s: %v, want %d requests and %d errors", what, r, requests[k], errors[k])
			}
			for share, value := range map[float64]float64{0.5: r.GetP50(), 0.95: r.GetP95()} {
				if want := durations[k][int(share*float64(len(durations[k])-1))]; math.Abs(value-want) > 0.05*want+0.001 {
					t.Errorf("%s: %v: %g of the durations is %g, want %g", what, k, share, value, want)
				}
			}
			if seen := r.GetLastSeenAt().AsTime(); !seen.After(between.From) || seen.After(between.Until) {
				t.Errorf("%s: last seen at %v", what, seen)
			}
		}
	}
	check("read")
	c.recover()
	c.roll()
	check("counted")
	none, err := c.store.Routes(t.Context(), store.RouteQuery{Range: between, EndpointID: "ep_2", Limit: 100})
	if err != nil || len(none) != 0 {
		t.Errorf("another endpoint has %v, %v", none, err)
	}
}
