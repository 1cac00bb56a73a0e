package limit

import "time"

// demand estimates how fast requests come, from the last half to whole span.
type demand struct {
	count float64
	since time.Time
}

// perSpan is how many requests a span sees at the present pace. A few requests at
// once are not taken for a pace: they count as spread over an eighth of it.
func (d *demand) perSpan(now time.Time, span time.Duration) float64 {
	elapsed := max(now.Sub(d.since), span/8)
	n := d.count * float64(span) / float64(elapsed)
	if elapsed > span { // forget the older part
		d.count, d.since = n/2, now.Add(-span/2)
	}
	return n
}
