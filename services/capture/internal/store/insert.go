package store

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// insertLimit bounds one attempt to insert a batch.
const insertLimit = 30 * time.Second

// Insert stores a stamped batch once, however often it is called with the same
// batch: ClickHouse remembers the token of the last 10,000 parts. When it returns
// nil the rows are on disk. After an error some or all of them may be stored.
func (s *Store) Insert(ctx context.Context, b *Batch) error {
	return s.insert(ctx, b, b.ID)
}

func (s *Store) insert(ctx context.Context, b *Batch, token string) error {
	ctx, cancel := context.WithTimeout(ctx, insertLimit)
	defer cancel()
	ctx = ch.Context(ctx, ch.WithSettings(ch.Settings{
		"insert_deduplicate":              1,
		"insert_deduplication_token":      token,
		"async_insert":                    0,
		"max_partitions_per_insert_block": 0,
		"max_execution_time":              int(insertLimit / time.Second),
	}))
	batch, err := s.conn.PrepareBatch(ctx, insertSQL)
	if err != nil {
		return fmt.Errorf("insert batch %s: %w", b.ID, err)
	}
	defer batch.Close()
	for i, f := range fields {
		if err := batch.Column(i).Append(f.values(b.rows)); err != nil {
			return fmt.Errorf("insert batch %s, column %s: %w", b.ID, f.name, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert batch %s: %w", b.ID, err)
	}
	return nil
}

// InsertAgain stores a batch that may have been stored before, longer ago than
// tokens are remembered or just before a crash. It looks first, inserts the days
// that are missing, and looks again: a crash between the writing of a token and
// of its part must not make ClickHouse take the batch for stored. It reports
// whether the whole batch had been there.
func (s *Store) InsertAgain(ctx context.Context, b *Batch) (was bool, err error) {
	for attempt := range 4 {
		missing, err := s.missing(ctx, b)
		if err != nil || len(missing) == 0 {
			return attempt == 0, err
		}
		token := b.ID
		if attempt > 0 {
			token = fmt.Sprintf("%s/%d", b.ID, attempt)
		}
		if err := s.insert(ctx, b.only(missing), token); err != nil {
			return false, err
		}
	}
	return false, fmt.Errorf("batch %s is not found after it was inserted", b.ID)
}

// missing is the days of which the batch's rows are not all stored. Rows that
// retention is about to remove, or has removed, do not count.
func (s *Store) missing(ctx context.Context, b *Batch) (map[int64]bool, error) {
	alive := s.oldest().Add(time.Minute)
	want, newest := b.since(alive)
	days := map[int64]bool{}
	for d := range want {
		days[d] = true
	}
	q := &statement{}
	q.add("SELECT toInt64(intDiv(toUnixTimestamp64Nano(ts), 86400000000000)) AS day, count() FROM exchanges WHERE ",
		q.within(alive, newest.Add(1)), " AND batch_id = ", q.text(b.ID), " GROUP BY day")
	err := s.query(ctx, q, func(rows driver.Rows) error {
		var d int64
		var count uint64
		if err := rows.Scan(&d, &count); err != nil {
			return err
		}
		if count >= want[d] {
			delete(days, d)
		}
		return nil
	})
	return days, err
}
