package store

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/search"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
)

// Entry is an exchange with its place in the log.
type Entry struct {
	Writer   string
	Seq      uint64
	Exchange *capturev1.Exchange
}

// Span is a stretch of one writer's log: After exclusive, UpTo inclusive.
type Span struct{ After, UpTo uint64 }

// LogQuery asks for what lies in spans of the log, by writer.
type LogQuery struct {
	Spans  map[string]Span
	Filter *search.Query
	Limit  int
	Bodies bool
}

// Log returns the first entries of the spans, in the order of (seq, writer).
func (s *Store) Log(ctx context.Context, l LogQuery) (entries []Entry, err error) {
	q := &statement{}
	q.add("SELECT ", names(chosen(l.Bodies)), " FROM exchanges WHERE ", q.spans(l.Spans))
	q.add(" AND ", s.matching(q, l.Filter, s.clock.Now()))
	q.add(" ORDER BY seq, writer LIMIT ", strconv.Itoa(l.Limit))
	err = s.read(ctx, q, chosen(l.Bodies), func(r *row) {
		entries = append(entries, Entry{Writer: r.writer, Seq: r.seq, Exchange: r.exchange()})
	})
	return entries, err
}

// spans is the condition for spans of the log. The bounds over all of them come
// first: they are what the index on seq works with.
func (q *statement) spans(spans map[string]Span) string {
	low, high, each := uint64(1<<64-1), uint64(0), ""
	for _, writer := range slices.Sorted(maps.Keys(spans)) {
		span := spans[writer]
		low, high = min(low, span.After), max(high, span.UpTo)
		each += " OR writer = " + q.text(writer) + " AND seq > " + q.number(span.After) + " AND seq <= " + q.number(span.UpTo)
	}
	return "seq > " + q.number(low) + " AND seq <= " + q.number(high) + " AND (0" + each + ")"
}

// Head returns the last sequence number stored for writer after one that is known;
// that one if there is none.
func (s *Store) Head(ctx context.Context, writer string, after uint64) (uint64, error) {
	q := &statement{}
	q.add("SELECT max(seq) FROM exchanges WHERE seq > ", q.number(after), " AND writer = ", q.text(writer))
	head := after
	err := s.query(ctx, q, func(rows driver.Rows) error {
		var last uint64
		defer func() { head = max(head, last) }()
		return rows.Scan(&last)
	})
	return head, err
}

// Writers returns the writers that have rows.
func (s *Store) Writers(ctx context.Context) (writers []string, err error) {
	q := &statement{}
	q.add("SELECT DISTINCT writer FROM exchanges")
	err = s.query(ctx, q, func(rows driver.Rows) error {
		var one string
		defer func() { writers = append(writers, one) }()
		return rows.Scan(&one)
	})
	return writers, err
}

// Tails returns for each writer the sequence number before its oldest row.
func (s *Store) Tails(ctx context.Context) (map[string]uint64, error) {
	q := &statement{}
	q.add("SELECT writer, min(seq) FROM exchanges GROUP BY writer")
	tails := map[string]uint64{}
	err := s.query(ctx, q, func(rows driver.Rows) error {
		var writer string
		var first uint64
		if err := rows.Scan(&writer, &first); err != nil {
			return err
		}
		tails[writer] = first - 1
		return nil
	})
	return tails, err
}
