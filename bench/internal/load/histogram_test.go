package load_test

import (
	"math"
	"testing"
	"time"

	"sluice.dev/bench/internal/load"
)

func TestHistogramIsWithinAPercent(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 127, 128, 129, 255, 256, time.Microsecond, 137 * time.Microsecond, time.Second, time.Hour} {
		var h load.Histogram
		h.Record(d)
		if got := h.Quantile(0.5); math.Abs(float64(got-d)) > float64(d)/100 {
			t.Errorf("%d is told as %d", d, got)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var h load.Histogram
	for i := range 1000 {
		h.Record(time.Duration(i+1) * time.Microsecond)
	}
	for q, want := range map[float64]time.Duration{0: time.Microsecond, 0.5: 500 * time.Microsecond, 0.99: 990 * time.Microsecond, 1: time.Millisecond} {
		if got := h.Quantile(q); math.Abs(float64(got-want)) > float64(want)/100 {
			t.Errorf("quantile %v is %v; want %v", q, got, want)
		}
	}
	if h.Count() != 1000 {
		t.Errorf("%d are counted", h.Count())
	}
	if got := new(load.Histogram).Quantile(0.5); got != 0 {
		t.Errorf("of nothing it is %v", got)
	}
}
