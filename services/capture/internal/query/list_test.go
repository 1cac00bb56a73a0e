package query

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/errs"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

func TestCursorSurvivesItsText(t *testing.T) {
	for _, by := range store.Sorts() {
		for _, ascending := range []bool{false, true} {
			want := cursor{store.Order{By: by, Ascending: ascending}, noon.Add(-time.Hour), noon.Add(time.Second), store.Place{Time: noon, Value: 1 << 63, ID: "ex_1"}}
			got, err := parseCursor(want.String())
			if err != nil || !got.from.Equal(want.from) || !got.until.Equal(want.until) || !got.place.Time.Equal(noon) ||
				got.place.ID != "ex_1" || got.place.Value != 1<<63 || got.order != want.order {
				t.Errorf("got %+v, %v", got, err)
			}
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(cursor{store.Order{By: store.ByStatus}, noon, noon, store.Place{Time: noon, Value: 500, ID: "ex_1"}}.String())
	f.Add("AgAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(text)
		if err != nil {
			if !errs.Is(err, errs.ReasonInvalid) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if again, err := parseCursor(c.String()); err != nil || again != c {
			t.Errorf("%q: %+v became %+v, %v", text, c, again, err)
		}
	})
}

func TestOrderOfARequest(t *testing.T) {
	for text, want := range map[string]store.Order{
		"": {By: store.ByStart}, "duration": {By: store.ByDuration}, "status_code  asc": {By: store.ByStatus, Ascending: true},
		" request_size desc ": {By: store.ByRequestSize}, "response_size asc": {By: store.ByResponseSize, Ascending: true},
	} {
		if got, err := ParseOrder(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"path", "duration up", "duration asc, id", "duration; DROP TABLE", "ASC"} {
		if _, err := ParseOrder(text); !errs.Is(err, errs.ReasonInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRangeOfARequest(t *testing.T) {
	s := New(nil, nil, nil, clock.NewFake(noon))
	stamp := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(noon.Add(d)) }
	for name, c := range map[string]struct {
		start, end  *timestamppb.Timestamp
		from, until time.Duration // after noon
		wrong       bool
	}{
		"the last day":         {from: -24 * time.Hour},
		"a day before":         {end: stamp(-time.Hour), from: -25 * time.Hour, until: -time.Hour},
		"until now":            {start: stamp(-time.Minute), from: -time.Minute},
		"both":                 {start: stamp(-2), end: stamp(-1), from: -2, until: -1},
		"begins at its end":    {start: stamp(-1), end: stamp(-1), wrong: true},
		"begins in the future": {start: stamp(1), wrong: true},
	} {
		r, err := s.between(c.start, c.end)
		if c.wrong {
			if !errs.Is(err, errs.ReasonInvalid) {
				t.Errorf("%s: %v, %v", name, r, err)
			}
			continue
		}
		if err != nil || !r.From.Equal(noon.Add(c.from)) || !r.Until.Equal(noon.Add(c.until)) {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	if _, err := s.between(&timestamppb.Timestamp{Seconds: -62135596800}, nil); err != nil {
		t.Errorf("the range from year 1: %v", err)
	}
}

func TestIntervalOfARequest(t *testing.T) {
	r := store.Range{From: noon, Until: noon.Add(2000 * time.Second)}
	for interval, right := range map[time.Duration]bool{time.Second: true, time.Second - 1: false, time.Microsecond: false, -time.Second: false, time.Hour: true} {
		if _, err := intervalOf(&capturev1.AggregateExchangesRequest{Interval: durationpb.New(interval)}, r); (err == nil) != right {
			t.Errorf("%s: %v", interval, err)
		}
	}
}

func TestLargePageIsCut(t *testing.T) {
	large := &capturev1.Exchange{Request: &capturev1.Request{Query: string(make([]byte, maxMessage/2+1))}}
	if some, cut := fitting([]*capturev1.Exchange{large, large, large}); len(some) != 1 || !cut {
		t.Errorf("%d exchanges of 8 MiB fit", len(some))
	}
	if some, cut := fitting([]*capturev1.Exchange{large}); len(some) != 1 || cut {
		t.Error("a single exchange is always sent")
	}
}
