package store

import (
	"context"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/search"
)

// Bucket counts the exchanges of an interval by class of status: at 1 to 5 that
// class, at 0 those without a response.
type Bucket [6]uint64

// HistogramQuery asks for counts by interval, from the origin on, which is a
// multiple of the interval since 1970 and not after the range's start.
type HistogramQuery struct {
	Range
	Origin   time.Time
	Filter   *search.Query
	Interval time.Duration
}

// Histogram counts matching exchanges. Every interval up to the end of the range
// is there.
func (s *Store) Histogram(ctx context.Context, h HistogramQuery) ([]Bucket, error) {
	buckets := make([]Bucket, (h.Until.Sub(h.Origin)+h.Interval-1)/h.Interval)
	sel := s.selected(h.Range, h.Filter, s.clock.Now())
	var r *rollup
	if h.Interval%time.Minute == 0 && byMinute.fits(sel, nil) {
		r = byMinute
	}
	q := &statement{}
	q.add("SELECT intDiv(at - ", strconv.FormatInt(h.Origin.UnixNano(), 10), ", ", strconv.FormatInt(int64(h.Interval), 10), ") AS bucket, ",
		"toUInt8(ifNull(intDiv(status, 100), 0)) AS class, sum(n) FROM ")
	s.from(q, sel, "status", r)
	q.add(" GROUP BY bucket, class")
	err := s.query(ctx, q, func(rows driver.Rows) error {
		var bucket int64
		var class uint8
		var n uint64
		if err := rows.Scan(&bucket, &class, &n); err != nil {
			return err
		}
		if class >= uint8(len(Bucket{})) { // a status that HTTP does not have
			class = 0
		}
		if bucket >= 0 && bucket < int64(len(buckets)) {
			buckets[bucket][class] += n
		}
		return nil
	})
	return buckets, err
}
