package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/errs"
	"sluice.dev/platform/search"
)

// statement is SQL with its parameters. Values never become part of the text.
type statement struct {
	sql    strings.Builder
	params []any
}

func (q *statement) add(parts ...string) {
	for _, p := range parts {
		q.sql.WriteString(p)
	}
}

// bind adds a parameter. Names differ from those that package search makes.
func (q *statement) bind(typ string, value any) string {
	name := "a" + strconv.Itoa(len(q.params)+1)
	q.params = append(q.params, ch.Named(name, value))
	return "{" + name + ":" + typ + "}"
}

func (q *statement) text(s string) string { return q.bind("String", s) }

// texts is a list for IN.
func (q *statement) texts(all []string) string {
	places := make([]string, len(all))
	for i, one := range all {
		places[i] = q.text(one)
	}
	return strings.Join(places, ", ")
}

func (q *statement) number(n uint64) string { return q.bind("UInt64", strconv.FormatUint(n, 10)) }

// instant is t, brought into the time that rows can have.
func (q *statement) instant(t time.Time) string {
	ns := max(min(t.Unix(), latest.Unix()), 0) * int64(time.Second)
	if ns > 0 {
		ns += int64(t.Nanosecond())
	}
	return "fromUnixTimestamp64Nano(" + q.bind("Int64", strconv.FormatInt(ns, 10)) + ", 'UTC')"
}

// instants is a list for IN, of nanoseconds since 1970.
func (q *statement) instants(all []string) string {
	return "SELECT fromUnixTimestamp64Nano(arrayJoin(" + q.bind("Array(Int64)", "["+strings.Join(all, ",")+"]") + "), 'UTC')"
}

// second is t without its fraction.
func (q *statement) second(t time.Time) string {
	return "toDateTime(" + q.bind("UInt32", strconv.FormatInt(min(max(t.Unix(), 0), 1<<32-1), 10)) + ", 'UTC')"
}

// within bounds ts: from inclusive, until exclusive.
func (q *statement) within(from, until time.Time) string {
	return "ts >= " + q.instant(from) + " AND ts < " + q.instant(until)
}

// matching is the condition of a search, its relative times counted from now. With
// an index on all text, it looks there first for the words that a match must have.
func (s *Store) matching(q *statement, query *search.Query, now time.Time) string {
	condition := q.filter(query, now)
	if !s.textIndex {
		return condition
	}
	for _, word := range query.Needles() {
		condition = "everything LIKE " + q.text("%"+word+"%") + " AND " + condition
	}
	return condition
}

// filter is the condition as the query says it.
func (q *statement) filter(query *search.Query, now time.Time) string {
	where, params := search.SQL(query, now)
	for _, p := range params {
		q.params = append(q.params, ch.Named(p.Name, p.Value))
	}
	return "(" + where + ")"
}

// patience is how long beyond its limit a query may take to say so.
const patience = 5 * time.Second

// query runs a statement within the limits and calls use for each row of the
// answer. Errors are for the caller's eyes.
func (s *Store) query(ctx context.Context, q *statement, use func(driver.Rows) error) error {
	own, cancel := s.bounded(ctx)
	defer cancel()
	err := s.run(own, q, use)
	if err != nil && own.Err() != nil && ctx.Err() == nil {
		return errs.Unavailable("ClickHouse does not answer").Because(err)
	}
	return err
}

func (s *Store) run(ctx context.Context, q *statement, use func(driver.Rows) error) error {
	rows, err := s.conn.Query(ctx, q.sql.String(), q.params...)
	if err != nil {
		return s.explain(fmt.Errorf("query exchanges: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		if err := use(rows); err != nil {
			return errs.Internal(err)
		}
	}
	return s.explain(rows.Err())
}

// bounded is ctx with the limits of a query. The deadline goes to ClickHouse a
// little early, so that its answer reaches the caller; the context itself has none,
// for the driver would make a limit of its own from it.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := s.limits.Time
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)-time.Second)
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	timer := time.AfterFunc(limit+patience, cancel)
	own = ch.Context(own, ch.WithSettings(ch.Settings{
		"max_execution_time": max(int(limit/time.Second), 1),
		"max_rows_to_read":   s.limits.Rows,
		"max_bytes_to_read":  s.limits.Bytes,
	}))
	return own, func() { stop(); timer.Stop(); cancel() }
}
