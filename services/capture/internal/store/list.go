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

// List returns exchanges in their order, and whether there are more: without
// headers, trailers, the contents of bodies and what only [Store.Get] tells.
//
// It finds their places first, for which few columns are read, and then all columns
// of those rows alone: there are about a hundred, each with a block to decompress.
func (s *Store) List(ctx context.Context, l ListQuery) (exchanges []*capturev1.Exchange, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.limits.Time+time.Second)
	defer cancel()
	places, err := s.places(ctx, l, l.Limit+1)
	if err != nil {
		return nil, false, err
	}
	if len(places) > l.Limit {
		places, more = places[:l.Limit], true
	}
	if exchanges, err = s.at(ctx, places, l.Order); err != nil {
		return nil, false, err
	}
	return exchanges, more && len(exchanges) > 0, nil
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
