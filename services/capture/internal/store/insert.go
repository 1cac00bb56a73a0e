package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// insertLimit bounds one attempt to insert.
const insertLimit = 30 * time.Second

// Insert stores stamped batches in one part of each table for each day. The same
// batches again are stored once, for ClickHouse remembers the tokens of the last
// 10,000 parts. When it returns nil the rows are on disk; after an error some or
// all may be.
func (s *Store) Insert(ctx context.Context, batches ...*Batch) error {
	s.touch(batches)
	defer s.touch(batches) // what was counted meanwhile may lack them
	name := token(batches)
	if err := s.insertContents(ctx, batches, name); err != nil {
		return err
	}
	return insert(ctx, s, "exchanges", fields, rowsOf(batches), name)
}

// touch notes the batches in the ledger, before they are stored.
func (s *Store) touch(batches []*Batch) {
	for _, b := range batches {
		times := make([]time.Time, len(b.rows))
		for i := range b.rows {
			times[i] = b.rows[i].ts
		}
		s.Ledger.touch(times...)
	}
}

// insertContents stores what belongs to exchanges, before them, so that nobody
// finds an exchange without its messages. These tables take the same rows any
// number of times.
func (s *Store) insertContents(ctx context.Context, batches []*Batch, token string) error {
	var parts []*bodyRow
	var messages []*messageRow
	for _, b := range batches {
		parts, messages = pointers(parts, b.parts), pointers(messages, b.messages)
	}
	if err := insert(ctx, s, "bodies", bodyColumns, parts, token); err != nil {
		return err
	}
	return insert(ctx, s, "messages", messageColumns, messages, token)
}

func rowsOf(batches []*Batch) (rows []*row) {
	for _, b := range batches {
		rows = pointers(rows, b.rows)
	}
	return rows
}

// token names a group of batches.
func token(batches []*Batch) string {
	if len(batches) == 1 {
		return batches[0].ID
	}
	sum := sha256.New()
	for _, b := range batches {
		_, _ = io.WriteString(sum, b.ID+"\n") // a hash never fails
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// insert stores rows, if there are any, once for each token; with none, each time.
func insert[R any](ctx context.Context, s *Store, table string, columns []field[R], rows []*R, token string) error {
	if len(rows) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, insertLimit)
	defer cancel()
	settings := maps.Clone(s.insertSettings)
	settings["insert_deduplicate"] = 0
	if token != "" {
		settings["insert_deduplicate"], settings["insert_deduplication_token"] = 1, token
	}
	batch, err := s.conn.PrepareBatch(ch.Context(ctx, ch.WithSettings(settings)), "INSERT INTO "+table+" ("+names(columns)+")")
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	defer batch.Close()
	for i, f := range columns {
		if err := batch.Column(i).Append(f.values(rows)); err != nil {
			return fmt.Errorf("insert column %s of %s: %w", f.name, table, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	return nil
}

// InsertAgain stores batches of which some may have been stored before: longer ago
// than tokens are remembered, with other batches, or just before a crash. It looks
// first, inserts what is missing, and looks again: a crash between the writing of
// a token and of its part must not make ClickHouse take the batches for stored.
// It returns how many were there already.
func (s *Store) InsertAgain(ctx context.Context, batches ...*Batch) (were int, err error) {
	s.touch(batches)
	defer s.touch(batches)
	if err := s.insertContents(ctx, batches, ""); err != nil {
		return 0, err
	}
	for attempt := range 4 {
		missing, err := s.missing(ctx, batches)
		if err != nil {
			return 0, err
		}
		if attempt == 0 {
			were = withRows(batches) - missing.batches()
		}
		if len(missing) == 0 {
			return were, nil
		}
		name := token(batches)
		if attempt > 0 {
			name = fmt.Sprintf("%s/%d", name, attempt)
		}
		if err := insert(ctx, s, "exchanges", fields, missing.of(batches), name); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("%d batches are not found after they were inserted", len(batches))
}

func withRows(batches []*Batch) (n int) {
	for _, b := range batches {
		if b.Rows() > 0 {
			n++
		}
	}
	return n
}

// Stored reports whether all rows of a batch are stored.
func (s *Store) Stored(ctx context.Context, b *Batch) (bool, error) {
	missing, err := s.missing(ctx, []*Batch{b})
	return err == nil && len(missing) == 0, err
}

// gaps are the parts of batches that are not stored.
type gaps map[batchDay]bool

// batchDay is the rows of a batch that go into one partition, and so are stored
// all or none.
type batchDay struct {
	batch string
	day   int64
}

func (g gaps) batches() int {
	ids := map[string]bool{}
	for part := range g {
		ids[part.batch] = true
	}
	return len(ids)
}

func (g gaps) of(batches []*Batch) (rows []*row) {
	for _, b := range batches {
		for i := range b.rows {
			if r := &b.rows[i]; g[batchDay{b.ID, day(r.ts)}] {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// missing finds the gaps. Rows that retention is about to remove, or has removed,
// do not count.
func (s *Store) missing(ctx context.Context, batches []*Batch) (gaps, error) {
	alive := s.oldest().Add(time.Minute)
	want, ids, newest := map[batchDay]uint64{}, make([]string, len(batches)), alive
	for i, b := range batches {
		ids[i] = b.ID
		b.count(alive, want)
		if b.newest().After(newest) {
			newest = b.newest()
		}
	}
	open := gaps{}
	if len(want) == 0 {
		return open, nil
	}
	for part := range want {
		open[part] = true
	}
	q := &statement{}
	q.add("SELECT batch_id, toInt64(intDiv(toUnixTimestamp64Nano(ts), 86400000000000)) AS day, count() FROM exchanges WHERE ",
		q.within(alive, newest.Add(1)), " AND batch_id IN (", q.texts(ids), ") GROUP BY batch_id, day")
	err := s.query(ctx, q, func(rows driver.Rows) error {
		var part batchDay
		var count uint64
		if err := rows.Scan(&part.batch, &part.day, &count); err != nil {
			return err
		}
		if count >= want[part] {
			delete(open, part)
		}
		return nil
	})
	return open, err
}
