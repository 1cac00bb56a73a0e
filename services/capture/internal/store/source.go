package store

import (
	"slices"
	"strings"
	"time"

	"sluice.dev/platform/search"
)

func commas(names []string) string { return strings.Join(names, ", ") }

// counted splits a range into what the rollup has counted, and what only the
// exchanges tell: the edges, and units that are open or have late exchanges.
func (l *Ledger) counted(r *rollup, between Range) (rolled, raw []Range) {
	seconds := int64(r.unit / time.Second)
	first := (between.From.Unix() + seconds - 1) / seconds
	if between.From.Nanosecond() > 0 && between.From.Unix()%seconds == 0 {
		first++
	}
	last := min(between.Until.Unix(), l.clock.Now().Add(-2*Lull-r.unit).Unix()) / seconds // exclusive
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ready || first >= last {
		return nil, []Range{between}
	}
	at := func(n int64) time.Time { return time.Unix(n*seconds, 0) }
	var open []int64
	for n := range l.open[r] {
		if n >= first && n < last {
			open = append(open, n)
		}
	}
	slices.Sort(open)
	from, end := first, between.From // of the next counted stretch; where the last one ended
	for _, n := range append(open, last) {
		if n > from {
			if at(from).After(end) {
				raw = append(raw, Range{end, at(from)})
			}
			rolled, end = append(rolled, Range{at(from), at(n)}), at(n)
		}
		from = n + 1
	}
	if between.Until.After(end) {
		raw = append(raw, Range{end, between.Until})
	}
	return rolled, raw
}

// maxStretches is from how many stretches on a query reads exchanges alone.
const maxStretches = 24

// selection is what counts are taken of.
type selection struct {
	between Range // visible
	filter  *search.Query
	now     time.Time
}

func (s *Store) selected(r Range, filter *search.Query, now time.Time) selection {
	sel := selection{filter: filter, now: now}
	sel.between.From, sel.between.Until = s.visible(r)
	return sel
}

// fits reports whether the rollup can tell the columns, and the filter's.
func (r *rollup) fits(sel selection, columns []string) bool {
	known := r.known()
	for _, c := range slices.Concat(sel.filter.Columns(), columns) {
		if !slices.Contains(known, c) {
			return false
		}
	}
	return true
}

// known is the dimensions, and the expressions over them that fields stand for.
func (r *rollup) known() []string {
	known := slices.Clone(r.dims)
	if r == byMinute {
		for _, name := range []string{"status", "@http.status_class"} {
			f, _, _ := search.Lookup(name)
			known = append(known, f.Column)
		}
	}
	return known
}

// from is a subquery with the columns, given as expressions with names, for the
// exchanges that match, and their number n: from a rollup where one of those given
// has counted them, else from the exchanges. The time at is that of the exchange,
// or of its unit's start.
func (s *Store) from(q *statement, sel selection, columns string, r *rollup) {
	var rolled []Range
	raw := []Range{sel.between}
	if r != nil {
		if rolled, raw = s.Ledger.counted(r, sel.between); len(rolled)+len(raw) > maxStretches {
			rolled, raw = nil, []Range{sel.between}
		}
	}
	q.add("(")
	if len(raw) > 0 {
		q.add("SELECT ", columns, ", toUInt64(1) AS n, toUnixTimestamp64Nano(ts) AS at FROM exchanges WHERE ", q.stretches(raw, q.within), " AND ", s.matching(q, sel.filter, sel.now))
	}
	if len(raw) > 0 && len(rolled) > 0 {
		q.add(" UNION ALL ")
	}
	if len(rolled) > 0 {
		within := func(from, until time.Time) string {
			return r.column + " >= " + q.second(from) + " AND " + r.column + " < " + q.second(until)
		}
		q.add("SELECT ", columns, ", count AS n, toInt64(toUnixTimestamp(", r.column, ")) * 1000000000 AS at FROM ", r.table, " FINAL WHERE ", q.stretches(rolled, within),
			" AND ", s.matching(q, sel.filter, sel.now))
	}
	q.add(")")
}

func (q *statement) stretches(all []Range, within func(from, until time.Time) string) string {
	parts := make([]string, len(all))
	for i, r := range all {
		parts[i] = within(r.From, r.Until)
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}
