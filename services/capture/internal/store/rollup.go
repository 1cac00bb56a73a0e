package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/clock"
)

const (
	// Lull is how long after its end a minute or hour is computed, and again after
	// an exchange that came late.
	Lull = 30 * time.Second
	// rollLimit bounds the time of one computation.
	rollLimit = time.Minute
)

// rollup is a table of counts by a unit of time.
type rollup struct {
	table, column string
	unit          time.Duration
	chunk         int      // units that are computed at a time, at most
	dims          []string // the same as a list
	values        string   // expressions over exchanges, the count first
}

var (
	byMinute = &rollup{
		table: "exchanges_minute", column: "minute", unit: time.Minute, chunk: 120,
		dims: []string{"endpoint_id", "endpoint_name", "route", "method", "status", "policy_action", "error_code"},
		values: "count() AS count, sum(duration_ns), min(duration_ns), max(duration_ns), quantileDDState(0.002, 0.5)(toFloat64(duration_ns))," +
			" sum(bytes_in), sum(bytes_out)",
	}
	byHour = &rollup{
		table: "exchanges_hour", column: "hour", unit: time.Hour, chunk: 6,
		dims: []string{"client_country", "client_ip"}, values: "count() AS count",
	}
	rollups = []*rollup{byMinute, byHour}
)

// Ledger knows which minutes and hours have exchanges that are not counted in the
// rollups yet. What it does not name is counted.
type Ledger struct {
	clock clock.Clock

	mu    sync.Mutex
	ready bool
	open  map[*rollup]map[int64]time.Time // unit by number since 1970: when it was last touched
	since map[*rollup]map[int64]time.Time // when it was first touched
}

func newLedger(clk clock.Clock) *Ledger {
	l := &Ledger{clock: clk, open: map[*rollup]map[int64]time.Time{}, since: map[*rollup]map[int64]time.Time{}}
	for _, r := range rollups {
		l.open[r], l.since[r] = map[int64]time.Time{}, map[int64]time.Time{}
	}
	return l
}

// touch notes an exchange that was, or is about to be, stored.
func (l *Ledger) touch(times ...time.Time) {
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range rollups {
		last := int64(-1)
		for _, t := range times {
			n := t.Unix() / int64(r.unit/time.Second)
			if n == last {
				continue
			}
			last = n
			l.open[r][n] = now
			if _, ok := l.since[r][n]; !ok {
				l.since[r][n] = now
			}
		}
	}
}

// due are the units of r, in order, that have ended and were not touched lately.
func (l *Ledger) due(r *rollup) (units []int64) {
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, touched := range l.open[r] {
		if now.Sub(time.Unix((n+1)*int64(r.unit/time.Second), 0)) >= Lull && now.Sub(touched) >= Lull {
			units = append(units, n)
		}
	}
	slices.Sort(units)
	return units
}

// settle closes units that were computed, but for those touched after begin.
func (l *Ledger) settle(r *rollup, units []int64, begin time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range units {
		if l.open[r][n].Before(begin) {
			delete(l.open[r], n)
			delete(l.since[r], n)
		}
	}
}

// Complete is a time before which all that was stored is counted.
func (l *Ledger) Complete() time.Time {
	oldest := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range rollups {
		for _, t := range l.since[r] {
			if t.Before(oldest) {
				oldest = t
			}
		}
	}
	return oldest
}

// Recover notes what a writer stored after a sequence number as not counted; until
// then nothing is taken for counted.
func (s *Store) Recover(ctx context.Context, writer string, after uint64) error {
	q := &statement{}
	q.add("SELECT DISTINCT toStartOfMinute(ts) AS minute FROM exchanges WHERE writer = ", q.text(writer), " AND seq > ", q.number(after), " ORDER BY minute")
	var minutes []time.Time
	err := s.query(ctx, q, func(rows driver.Rows) error {
		var t time.Time
		defer func() { minutes = append(minutes, t) }()
		return rows.Scan(&t)
	})
	if err != nil {
		return fmt.Errorf("find what is not counted yet: %w", err)
	}
	s.Ledger.touch(minutes...)
	s.Ledger.mu.Lock()
	defer s.Ledger.mu.Unlock()
	s.Ledger.ready = true
	return nil
}

// Roll counts what is due. It may be called again after an error.
func (s *Store) Roll(ctx context.Context) error {
	for _, r := range rollups {
		for units := s.Ledger.due(r); len(units) > 0; {
			n := 1
			for n < len(units) && n < r.chunk && units[n] == units[n-1]+1 {
				n++
			}
			begin := s.clock.Now()
			if err := s.roll(ctx, r, units[0], units[n-1]+1); err != nil {
				return err
			}
			s.Ledger.settle(r, units[:n], begin)
			units = units[n:]
		}
	}
	return nil
}

// roll computes the units from one up to another.
func (s *Store) roll(ctx context.Context, r *rollup, from, until int64) error {
	ctx, cancel := context.WithTimeout(ctx, rollLimit)
	defer cancel()
	seconds, dims := int64(r.unit/time.Second), commas(r.dims)
	q := &statement{}
	q.add("INSERT INTO ", r.table, " SELECT toStartOfInterval(toDateTime(ts, 'UTC'), toIntervalSecond(", strconv.FormatInt(seconds, 10), ")) AS unit, ",
		dims, ", ", r.values, " FROM exchanges WHERE ", q.within(time.Unix(from*seconds, 0), time.Unix(until*seconds, 0)), " GROUP BY unit, ", dims)
	ctx = ch.Context(ctx, ch.WithSettings(ch.Settings{"max_threads": 1, "async_insert": 0}))
	if err := s.conn.Exec(ctx, q.sql.String(), q.params...); err != nil {
		return fmt.Errorf("count exchanges into %s: %w", r.table, err)
	}
	return nil
}
