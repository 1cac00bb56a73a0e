package store

import (
	"context"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// ScanQuery asks for the oldest exchanges of a range, or the newest, after a place
// if that is not zero.
type ScanQuery struct {
	Range
	Filter *search.Query
	After  Place
	Limit  int
	Bodies bool
	Newest bool
}

// Scan returns exchanges in the order that the query asks for. Fewer than the limit are the last.
func (s *Store) Scan(ctx context.Context, l ScanQuery) (exchanges []*capturev1.Exchange, err error) {
	fields := chosen(l.Bodies)
	q := &statement{}
	q.add("SELECT ", names(fields), " FROM exchanges WHERE ", q.within(s.visible(l.Range)))
	beyond, order := ">", "ASC"
	if l.Newest {
		beyond, order = "<", "DESC"
	}
	if l.After.ID != "" {
		at := q.instant(l.After.Time)
		q.add(" AND ts ", beyond, "= ", at, " AND (ts ", beyond, " ", at, " OR id ", beyond, " ", q.text(l.After.ID), ")")
	}
	q.add(" AND ", s.matching(q, l.Filter, s.clock.Now()))
	q.add(" ORDER BY ts ", order, ", id ", order, " LIMIT ", strconv.Itoa(l.Limit))
	err = s.read(ctx, q, fields, func(r *row) { exchanges = append(exchanges, r.exchange()) })
	return exchanges, err
}

// Count returns how many exchanges of a range match.
func (s *Store) Count(ctx context.Context, between Range, filter *search.Query) (n uint64, err error) {
	q := &statement{}
	q.add("SELECT count() FROM exchanges WHERE ", q.within(s.visible(between)), " AND ", s.matching(q, filter, s.clock.Now()))
	err = s.query(ctx, q, func(rows driver.Rows) error { return rows.Scan(&n) })
	return n, err
}
