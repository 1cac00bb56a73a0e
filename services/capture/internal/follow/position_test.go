package follow

import (
	"maps"
	"testing"
	"time"

	"sluice.dev/platform/errs"
	"sluice.dev/services/capture/internal/heads"
)

func TestPositionSurvivesItsText(t *testing.T) {
	for _, p := range []position{{}, {"web1:4052": 1795520736133455}, {"a": 0, "": 7, "ü b": 1<<64 - 1}} {
		got, err := parsePosition(p.String())
		if err != nil || !maps.Equal(got, p) {
			t.Errorf("%v became %v, %v", p, got, err)
		}
	}
}

func TestForeignTextIsNoPosition(t *testing.T) {
	for _, text := range []string{"1", "x", "AQ==", "Ag", "AQU", "AQFh", "AQFhgA"} {
		if _, err := parsePosition(text); !errs.Is(err, errs.ReasonInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzPosition(f *testing.F) {
	f.Add(position{"a": 1, "b": 2}.String())
	f.Add("AQFhgA")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePosition(text)
		if err != nil {
			return
		}
		again, err := parsePosition(p.String())
		if err != nil || !maps.Equal(p, again) {
			t.Errorf("%q: %v became %v, %v", text, p, again, err)
		}
	})
}

func TestPositionAfterAnEntry(t *testing.T) {
	s := step{from: position{"a": 10, "b": 20, "c": 5}, to: position{"a": 100, "b": 200, "c": 5, "d": 300}}
	for _, c := range []struct {
		writer string
		seq    uint64
		want   position
	}{
		{"b", 50, position{"a": 50, "b": 50, "c": 5, "d": 49}},
		{"a", 15, position{"a": 15, "b": 20, "c": 5, "d": 14}},
		{"d", 250, position{"a": 100, "b": 200, "c": 5, "d": 250}},
	} {
		if got := s.after(c.writer, c.seq); !maps.Equal(got, c.want) {
			t.Errorf("after %s %d: %v, want %v", c.writer, c.seq, got, c.want)
		}
	}
}

func TestWritersOfLongAgoLeaveThePosition(t *testing.T) {
	now := time.Now()
	p := position{"old": heads.Seq(now.Add(-100 * 24 * time.Hour)), "known": 1, "recent": heads.Seq(now.Add(-24 * time.Hour))}
	p.prune(map[string]uint64{"known": 5}, now)
	if _, ok := p["old"]; ok || len(p) != 2 {
		t.Errorf("left are %v", p)
	}
}

func TestWindowWalksTheWholeLog(t *testing.T) {
	w := window(firstWindow)
	logs := map[string]uint64{"a": 10_000_000_000, "b": 9_999_999_999, "c": 3}
	at := position{"a": 1, "b": 5_000_000_000, "c": 3}
	for steps := 0; ; steps++ {
		s, caughtUp, ok := w.next(at, logs)
		if !ok {
			t.Fatal("the end was not noticed")
		}
		for writer := range logs {
			if s.to[writer] < at[writer] || s.to[writer] > logs[writer] {
				t.Fatalf("step %d goes from %v to %v", steps, at, s.to)
			}
		}
		at, w = s.to, w.fit(s, 0, 100, 0)
		if caughtUp {
			break
		}
		if steps > 20 {
			t.Fatal("the window does not grow")
		}
	}
	if !maps.Equal(at, position(logs)) {
		t.Errorf("the walk ends at %v", at)
	}
	if _, _, ok := w.next(at, logs); ok {
		t.Error("there is a step beyond the end")
	}
}

func TestWindowFitsWhatItFinds(t *testing.T) {
	s := step{from: position{"a": 1000_000_000}, to: position{"a": 2000_000_000}}
	if w := window(maxWindow).fit(s, 500, 500, 1010_000_000); w != 20_000_000 {
		t.Errorf("after 10 s of the log filled a page the window is %d µs", w)
	}
	if w, smaller := window(minWindow).shrink(); smaller || w != window(minWindow) {
		t.Errorf("the least window shrinks to %d", w)
	}
}
