package store

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

const (
	// firstWindow is the share of a range that is searched first, and growth how many
	// times as long as the one before each further window is.
	firstWindow, growth = 64, 4
	shortestWindow      = time.Minute
)

// windows cut a range into pieces, each longer than the one before, in the order of
// a list. Most pages are found in the first: the parts of the table that have other
// times, and there may be hundreds, are then never looked into.
func (o Order) windows(r Range) (windows []Range) {
	if !o.byTime() {
		return []Range{r}
	}
	for size := max(r.Until.Sub(r.From)/firstWindow, shortestWindow); size < r.Until.Sub(r.From); size *= growth {
		w := r
		if o.Ascending {
			w.Until = r.From.Add(size)
			r.From = w.Until
		} else {
			w.From = r.Until.Add(-size)
			r.Until = w.From
		}
		windows = append(windows, w)
	}
	return append(windows, r)
}

// rest is what of a range can lie behind a place.
func (o Order) rest(r Range, p Place) Range {
	switch {
	case p.ID == "" || !o.byTime():
	case o.Ascending:
		r.From = later(r.From, p.Time)
	case p.Time.Before(r.Until):
		r.Until = p.Time.Add(1)
	}
	return r
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// places finds the first n rows of a list.
func (s *Store) places(ctx context.Context, l ListQuery, n int) (found []Place, err error) {
	between := Range{}
	between.From, between.Until = s.visible(l.Range)
	windows := l.Order.windows(l.Order.rest(between, l.After))
	for i, w := range windows {
		// The text index costs more than to look through the little there is in the first.
		matching := s.matching
		if i == 0 && len(windows) > 1 {
			matching = (*statement).filter
		}
		q := &statement{}
		q.add("SELECT ts, id FROM exchanges WHERE ", q.within(w.From, w.Until), q.after(l.Order, l.After), " AND ",
			matching(q, l.Filter, s.clock.Now()), l.Order.clause(), " LIMIT ", strconv.Itoa(n-len(found)))
		err := s.query(ctx, q, func(rows driver.Rows) error {
			var p Place
			defer func() { found = append(found, p) }()
			return rows.Scan(&p.Time, &p.ID)
		})
		if err != nil || len(found) >= n {
			return found, err
		}
	}
	return found, nil
}

// at reads the rows at places, which are in an order.
func (s *Store) at(ctx context.Context, places []Place, o Order) (exchanges []*capturev1.Exchange, err error) {
	if len(places) == 0 {
		return nil, nil
	}
	times, ids := make([]string, len(places)), make([]string, len(places))
	for i, p := range places {
		times[i], ids[i] = strconv.FormatInt(p.Time.UnixNano(), 10), p.ID
	}
	slices.Sort(times)
	q := &statement{}
	q.add("SELECT ", names(briefFields), " FROM exchanges WHERE ts IN (", q.instants(slices.Compact(times)), ") AND id IN (", q.texts(ids), ")",
		o.clause(), " SETTINGS optimize_read_in_order = 0")
	err = s.read(ctx, q, briefFields, func(r *row) { exchanges = append(exchanges, r.exchange()) })
	return exchanges, err
}
