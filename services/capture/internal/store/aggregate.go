package store

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// maxPoints bounds the points of one answer, over all its series.
const maxPoints = 200_000

// AggregateQuery asks for one number over exchanges: for all of them or by group,
// over the whole range and, with an interval, for each interval from its start on.
type AggregateQuery struct {
	Range
	Filter   *search.Query
	Measure  Measure
	Interval time.Duration // 0: no points
	GroupBy  []string      // fields of the search syntax
	Groups   int           // with the greatest values
}

// Series is one group. Points has one value for each interval.
type Series struct {
	Group  []string
	Value  float64
	Points []float64

	key uint64
}

// Aggregate computes. The sum, average, least or greatest of no values is 0.
func (s *Store) Aggregate(ctx context.Context, a AggregateQuery) ([]*Series, error) {
	now := s.clock.Now()
	series, err := s.totals(ctx, a, now)
	if err != nil || a.Interval == 0 || len(series) == 0 {
		return series, err
	}
	points := int((a.Until.Sub(a.From) + a.Interval - 1) / a.Interval)
	if points*len(series) > maxPoints {
		return nil, errs.InvalidField("interval", "%d points of %d groups are more than %d; use a longer interval or fewer groups", points, len(series), maxPoints)
	}
	for _, one := range series {
		one.Points = make([]float64, points)
	}
	return series, s.points(ctx, a, now, series)
}

// totals is a value for each group over the whole range, greatest first.
func (s *Store) totals(ctx context.Context, a AggregateQuery, now time.Time) (series []*Series, err error) {
	q := &statement{}
	columns, group, err := q.group(a)
	if err != nil {
		return nil, err
	}
	value, err := a.Measure.sql(q)
	if err != nil {
		return nil, err
	}
	if sel := s.selected(a.Range, a.Filter, now); a.counts(sel) {
		q.add("SELECT ", columns, "toFloat64(sum(n)) AS value FROM ")
		s.from(q, sel, commas(byMinute.dims), byMinute)
		q.add(group)
	} else {
		q.add("SELECT ", columns, "toFloat64(", value, ") AS value FROM exchanges WHERE ", q.within(s.visible(a.Range)),
			" AND ", s.matching(q, a.Filter, now), group)
	}
	if group != "" {
		q.add(" ORDER BY value DESC NULLS LAST, key LIMIT ", strconv.Itoa(a.Groups))
	}
	err = s.query(ctx, q, func(rows driver.Rows) error {
		one, value := &Series{Group: make([]string, len(a.GroupBy))}, (*float64)(nil)
		targets := []any{&one.key}
		for i := range one.Group {
			targets = append(targets, &one.Group[i])
		}
		if err := rows.Scan(append(targets, &value)...); err != nil {
			return err
		}
		one.Value = finite(value)
		series = append(series, one)
		return nil
	})
	return series, err
}

// counts reports whether the counts by minute tell the totals.
func (a AggregateQuery) counts(sel selection) bool {
	var columns []string
	for _, name := range a.GroupBy {
		f, member, ok := search.Lookup(name)
		if !ok || member != "" || len(f.Constant) > 0 {
			return false
		}
		columns = append(columns, f.Column)
	}
	return a.Measure.Kind == capturev1.Aggregation_AGGREGATION_COUNT && byMinute.fits(sel, columns)
}

// group is the columns that tell groups apart, and the clause that makes them. A
// group's key is a hash, so that the groups chosen can be named without writing
// the users' text into SQL.
func (q *statement) group(a AggregateQuery) (columns, clause string, err error) {
	if len(a.GroupBy) == 0 {
		return "toUInt64(0) AS key, ", "", nil
	}
	var exprs, aliases []string
	for i, name := range a.GroupBy {
		where := "group_by[" + strconv.Itoa(i) + "]"
		f, member, err := lookup(where, name)
		if err != nil {
			return "", "", err
		}
		expr, err := q.textOf(f, member, where)
		if err != nil {
			return "", "", err
		}
		alias := "g" + strconv.Itoa(i)
		exprs, aliases = append(exprs, expr+" AS "+alias), append(aliases, alias)
	}
	all := strings.Join(aliases, ", ")
	return "sipHash64(" + all + ") AS key, " + strings.Join(exprs, ", ") + ", ", " GROUP BY " + all, nil
}

// points fills in the values by interval. A bucket past the range's end, of rows
// between two time stamps of one nanosecond, cannot be: until is exclusive.
func (s *Store) points(ctx context.Context, a AggregateQuery, now time.Time, series []*Series) error {
	q := &statement{}
	columns, group, err := q.group(a)
	if err != nil {
		return err
	}
	value, err := a.Measure.sql(q)
	if err != nil {
		return err
	}
	byKey, keys := map[uint64]*Series{}, make([]string, len(series))
	for i, one := range series {
		byKey[one.key], keys[i] = one, strconv.FormatUint(one.key, 10)
	}
	q.add("SELECT ", columns, "toInt64(intDiv(toUnixTimestamp64Nano(ts) - ", strconv.FormatInt(a.From.UnixNano(), 10), ", ",
		strconv.FormatInt(int64(a.Interval), 10), ")) AS bucket, toFloat64(", value, ") AS value FROM exchanges WHERE ",
		q.within(s.visible(a.Range)), " AND ", s.matching(q, a.Filter, now))
	if group == "" {
		q.add(" GROUP BY bucket")
	} else {
		q.add(" AND key IN (", strings.Join(keys, ","), ")", group, ", bucket")
	}
	return s.query(ctx, q, func(rows driver.Rows) error {
		var key uint64
		var bucket int64
		var value *float64
		targets := []any{&key}
		for range a.GroupBy {
			targets = append(targets, new(string))
		}
		if err := rows.Scan(append(targets, &bucket, &value)...); err != nil {
			return err
		}
		if one := byKey[key]; one != nil && bucket >= 0 && bucket < int64(len(one.Points)) {
			one.Points[bucket] = finite(value)
		}
		return nil
	})
}

func finite(v *float64) float64 {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return 0
	}
	return *v
}
