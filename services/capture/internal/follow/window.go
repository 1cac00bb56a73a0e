package follow

import (
	"maps"
	"time"
)

// A window bounds how much of the log one query covers, in the time that sequence
// numbers tell: ClickHouse must look at all of it to find the first rows.
const (
	firstWindow = uint64(time.Minute / time.Microsecond)
	minWindow   = uint64(100 * time.Millisecond / time.Microsecond)
	maxWindow   = uint64(time.Hour / time.Microsecond)
)

type window uint64

// next is the next step from a position towards the heads; false when there is
// nothing new. caughtUp says that the step ends at the heads.
func (w window) next(at position, heads map[string]uint64) (s step, caughtUp, ok bool) {
	base, found := uint64(0), false
	for writer, head := range heads {
		if seq := at[writer]; head > seq && (!found || seq < base) {
			base, found = seq, true
		}
	}
	if !found {
		return s, true, false
	}
	s, caughtUp = step{from: at, to: maps.Clone(at)}, true
	for writer, head := range heads {
		if head <= at[writer] {
			continue
		}
		end := min(head, base+uint64(w))
		caughtUp = caughtUp && end == head
		s.to[writer] = max(at[writer], end)
	}
	return s, caughtUp, true
}

// fit adapts the window to what a step gave: the limit was reached by the entry
// lastSeq, or less than a quarter of it came.
func (w window) fit(s step, found, limit int, lastSeq uint64) window {
	switch {
	case found >= limit:
		base := lastSeq
		for writer, end := range s.to {
			if seq := s.from[writer]; end > seq {
				base = min(base, seq)
			}
		}
		return clamp(2 * (lastSeq - base))
	case found < limit/4:
		return clamp(2 * uint64(w))
	}
	return w
}

// shrink is for a step that was too much for ClickHouse; false when the window is
// as small as it gets.
func (w window) shrink() (window, bool) {
	return clamp(uint64(w) / 8), uint64(w) > minWindow
}

func clamp(n uint64) window { return window(min(max(n, minWindow), maxWindow)) }
