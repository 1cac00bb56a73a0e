package id_test

import (
	"sync"
	"testing"
	"time"

	"sluice.dev/platform/id"
)

func TestIDsSortByTime(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_000)
	earlier, later := id.Exchange.At(now), id.Exchange.At(now.Add(time.Millisecond))
	if earlier >= later {
		t.Errorf("%s does not sort before %s", earlier, later)
	}
	if got := id.Exchange.Time(later); !got.Equal(now.Add(time.Millisecond)) {
		t.Errorf("Time(%s) = %s", later, got)
	}
}

func TestValid(t *testing.T) {
	for s, want := range map[string]bool{
		id.Endpoint.New():               true,
		id.APIKey.New():                 false,
		"ep_":                           false,
		"ep_01J":                        false,
		"ep_!!!!!!!!!!!!!!!!!!!!!!!!!!": false,
		"01JDFQ2Z3B4C5D6E7F8G9H0JKM":    false,
		id.Endpoint.New() + "x":         false,
		" " + id.Endpoint.New():         false,
	} {
		if got := id.Endpoint.Valid(s); got != want {
			t.Errorf("Valid(%q) = %v", s, got)
		}
	}
}

// TestIDsAreDistinct: however many are made at once.
func TestIDsAreDistinct(t *testing.T) {
	now := time.Now()
	var seen sync.Map
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				s := id.Exchange.At(now)
				if _, twice := seen.LoadOrStore(s, true); twice || !id.Exchange.Valid(s) || !id.Exchange.Time(s).Equal(now.Truncate(time.Millisecond)) {
					t.Errorf("%s, twice %t", s, twice)
					return
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = id.Exchange.New()
	}
}
