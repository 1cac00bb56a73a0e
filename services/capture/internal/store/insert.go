package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// insertLimit bounds one attempt to insert.
const insertLimit = 30 * time.Second

// Insert stores stamped batches in one part for each day. The same batches again
// are stored once, for ClickHouse remembers the tokens of the last 10,000 parts.
// When it returns nil the rows are on disk; after an error some or all may be.
func (s *Store) Insert(ctx context.Context, batches ...*Batch) error {
	return s.insert(ctx, rowsOf(batches), token(batches))
}

func rowsOf(batches []*Batch) []row {
	if len(batches) == 1 {
		return batches[0].rows
	}
	var rows []row
	for _, b := range batches {
		rows = append(rows, b.rows...)
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

func (s *Store) insert(ctx context.Context, rows []row, token string) error {
	ctx, cancel := context.WithTimeout(ctx, insertLimit)
	defer cancel()
	ctx = ch.Context(ctx, ch.WithSettings(ch.Settings{
		"insert_deduplicate":              1,
		"insert_deduplication_token":      token,
		"async_insert":                    0,
		"max_partitions_per_insert_block": 0,
	}))
	batch, err := s.conn.PrepareBatch(ctx, insertSQL)
	if err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	defer batch.Close()
	for i, f := range fields {
		if err := batch.Column(i).Append(f.values(rows)); err != nil {
			return fmt.Errorf("insert column %s: %w", f.name, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

// InsertAgain stores batches of which some may have been stored before: longer ago
// than tokens are remembered, with other batches, or just before a crash. It looks
// first, inserts what is missing, and looks again: a crash between the writing of
// a token and of its part must not make ClickHouse take the batches for stored.
// It returns how many were there already.
func (s *Store) InsertAgain(ctx context.Context, batches ...*Batch) (were int, err error) {
	for attempt := range 4 {
		missing, err := s.missing(ctx, batches)
		if err != nil {
			return 0, err
		}
		if attempt == 0 {
			were = len(batches) - missing.batches()
		}
		if len(missing) == 0 {
			return were, nil
		}
		name := token(batches)
		if attempt > 0 {
			name = fmt.Sprintf("%s/%d", name, attempt)
		}
		if err := s.insert(ctx, missing.of(batches), name); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("%d batches are not found after they were inserted", len(batches))
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

func (g gaps) of(batches []*Batch) (rows []row) {
	for _, b := range batches {
		for _, r := range b.rows {
			if g[batchDay{b.ID, day(r.ts)}] {
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
