package store

import (
	"context"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Range is a time range: From inclusive, Until exclusive.
type Range struct{ From, Until time.Time }

// Place is where a page of a list ended: the row with this time and id.
type Place struct {
	Time time.Time
	ID   string
}

// ListQuery asks for the newest exchanges of a range, after a place if that is
// not zero.
type ListQuery struct {
	Range
	Filter *search.Query
	After  Place
	Limit  int
}

// List returns exchanges without the contents of bodies, newest first, and
// whether there are more.
func (s *Store) List(ctx context.Context, l ListQuery) (exchanges []*capturev1.Exchange, more bool, err error) {
	q := &statement{}
	q.add("SELECT ", names(listFields), " FROM exchanges WHERE ", q.within(s.visible(l.Range)))
	if l.After.ID != "" {
		at := q.instant(l.After.Time)
		q.add(" AND ts <= ", at, " AND (ts < ", at, " OR id < ", q.text(l.After.ID), ")")
	}
	q.add(" AND ", q.filter(l.Filter, s.clock.Now()))
	q.add(" ORDER BY ts DESC, id DESC LIMIT ", strconv.Itoa(l.Limit+1))
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
