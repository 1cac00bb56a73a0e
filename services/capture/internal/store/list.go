package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Range is a time range: From inclusive, Until exclusive.
type Range struct{ From, Until time.Time }

// Place is where a page of a list ended: the row with this time and id. Value is
// what the list is ordered by, if that is not the time.
type Place struct {
	Time  time.Time
	Value uint64
	ID    string
}

// ListQuery asks for the first exchanges of a range in an order, after a place if
// that is not zero.
type ListQuery struct {
	Range
	Filter *search.Query
	Order  Order
	After  Place
	Limit  int
}

// List returns exchanges in their order without the contents of bodies, and
// whether there are more.
func (s *Store) List(ctx context.Context, l ListQuery) (exchanges []*capturev1.Exchange, more bool, err error) {
	q := &statement{}
	q.page(l, s)
	err = s.read(ctx, q, listFields, func(r *row) { exchanges = append(exchanges, r.exchange()) })
	if len(exchanges) > l.Limit {
		return exchanges[:l.Limit], true, err
	}
	return exchanges, false, err
}

// visible cuts off what retention has, or soon will have, removed.
func (s *Store) visible(r Range) (from, until time.Time) {
	if oldest := s.oldest(); r.From.Before(oldest) {
		return oldest, r.Until
	}
	return r.From, r.Until
}

// read calls use for each row of the answer.
func (s *Store) read(ctx context.Context, q *statement, fields []field[row], use func(*row)) error {
	return s.query(ctx, q, func(rows driver.Rows) error {
		r := &row{}
		if err := rows.Scan(targets(r, fields)...); err != nil {
			return err
		}
		use(r)
		return nil
	})
}
