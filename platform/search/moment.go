package search

import (
	"strings"
	"time"
)

// moment is what a time in a query covers: a day, a second, or an instant given
// to the nanosecond or relative to now. until is exclusive.
type moment struct{ from, until value }

var momentLayouts = []struct {
	layout string
	width  time.Duration
}{
	{"2006-01-02", 24 * time.Hour},
	{"2006-01-02T15:04:05Z07:00", time.Second}, // RFC 3339; also takes a fraction
	{"2006-01-02T15:04:05", time.Second},       // in UTC
}

// Times outside these do not fit the column, DateTime64(9).
var (
	earliest = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
)

func parseMoment(text string) (moment, error) {
	if rest, ok := strings.CutPrefix(text, "now"); ok {
		return parseRelative(text, rest)
	}
	for _, l := range momentLayouts {
		t, err := time.Parse(l.layout, text)
		if err != nil {
			continue
		}
		width := l.width
		if strings.Contains(text, ".") {
			width = 1
		}
		if t.Before(earliest) || t.After(latest) {
			break
		}
		until := min(t.Add(width).UnixNano(), latest.UnixNano())
		return moment{value{number: t.UnixNano()}, value{number: until}}, nil
	}
	return moment{}, &valueError{message: "no time: " + text, expected: "a date, an RFC 3339 time such as 2026-11-24T10:00:00Z, or now-15m"}
}

// parseRelative reads what follows now: nothing, or "-" and a duration with a unit.
func parseRelative(text, rest string) (moment, error) {
	var back int64
	if rest != "" {
		ago, minus := strings.CutPrefix(rest, "-")
		n, err := parseNumber(ago, append([]unit{{"d", 24 * 3600e9}}, durationUnits...), "")
		if err != nil || !minus || n < 0 {
			return moment{}, &valueError{message: "no time: " + text, expected: "now, or now- and a duration such as 15m, 24h or 7d"}
		}
		back = n
	}
	instant := value{number: -back, toNow: true}
	return moment{instant, instant}, nil
}

// bound makes the moment one end of an interval. Ends are normalised to "from
// this instant on" and "up to, but not including".
func (m moment) bound(low, inclusive bool) bound {
	if low == inclusive {
		return bound{true, m.from, low}
	}
	return bound{true, m.until, low}
}
