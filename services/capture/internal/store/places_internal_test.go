package store

import (
	"testing"
	"time"
)

// Whatever the range, its windows follow one another without gap or overlap, in the
// order of the list, and are few.
func TestWindowsCoverARangeOnce(t *testing.T) {
	until := time.Date(2026, 11, 24, 12, 0, 0, 7, time.UTC)
	for _, length := range []time.Duration{1, time.Minute, time.Minute + 1, time.Hour, 24 * time.Hour, 30 * 24 * time.Hour, 200 * 365 * 24 * time.Hour} {
		for _, o := range []Order{{}, {By: ByStart, Ascending: true}, {By: ByDuration}} {
			r := Range{until.Add(-length), until}
			windows := o.windows(r)
			if len(windows) > 4 || !o.byTime() && len(windows) != 1 {
				t.Errorf("%s, %+v: %d windows", length, o, len(windows))
			}
			at := r.Until // where the next window has to end, or begin
			if o.Ascending {
				at = r.From
			}
			for _, w := range windows {
				begin, end := w.Until, w.From
				if o.Ascending {
					begin, end = w.From, w.Until
				}
				if !begin.Equal(at) || !w.From.Before(w.Until) {
					t.Errorf("%s, %+v: window %v after %v", length, o, w, at)
				}
				at = end
			}
			if last := windows[len(windows)-1]; !o.Ascending && !last.From.Equal(r.From) || o.Ascending && !last.Until.Equal(r.Until) {
				t.Errorf("%s, %+v: the last window is %v of %v", length, o, last, r)
			}
		}
	}
}
