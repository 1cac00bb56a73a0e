package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// partsInLimit is how many parts of the largest size the byte limit holds: the
// limit is kept by dropping whole parts, the oldest first.
const partsInLimit = 20

const (
	defaultMergeSize = 150 << 30 // ClickHouse's own
	minMergeSize     = 64 << 20
)

// setPartLimit bounds the parts that merges make by the byte limit.
func (s *Store) setPartLimit(ctx context.Context) error {
	size := uint64(defaultMergeSize)
	if s.options.ByteLimit > 0 {
		size = min(size, max(s.options.ByteLimit/partsInLimit, minMergeSize))
	}
	for _, table := range []string{"exchanges", "bodies", "messages"} {
		if err := s.setTable(ctx, table, "max_bytes_to_merge_at_max_space_in_pool", fmt.Sprint(size)); err != nil {
			return err
		}
	}
	return nil
}

// ByteLimit is the most that parts on disk may take; 0 for no limit.
func (s *Store) ByteLimit() uint64 { return s.options.ByteLimit }

// part is a part of a table on disk.
type part struct {
	table, name string
	bytes       uint64
}

// Trim drops the oldest parts of exchanges, bodies and messages until all that is
// stored takes no more than the byte limit, and returns how many bytes that gave.
// A part that is being merged is left for the next time.
func (s *Store) Trim(ctx context.Context) (freed uint64, err error) {
	if s.options.ByteLimit == 0 {
		return 0, nil
	}
	total, parts, err := s.victims(ctx)
	if err != nil {
		return 0, err
	}
	for _, p := range parts {
		if total-freed <= s.options.ByteLimit {
			return freed, nil
		}
		if err := s.drop(ctx, p); err != nil {
			s.log.Warn("an old part could not be dropped; it is tried again", "table", p.table, "part", p.name, "error", err)
			continue
		}
		freed += p.bytes
	}
	return freed, nil
}

// victims is the size of all tables, and the parts that may go, oldest first.
func (s *Store) victims(ctx context.Context) (total uint64, parts []part, err error) {
	q := &statement{}
	q.add("SELECT table, name, bytes_on_disk, table IN ('exchanges', 'bodies', 'messages') AND rows > 0 AS goes FROM system.parts",
		" WHERE active AND database = currentDatabase() ORDER BY partition, min_block_number, table")
	err = s.query(ctx, q, func(rows driver.Rows) error {
		var p part
		var goes bool
		if err := rows.Scan(&p.table, &p.name, &p.bytes, &goes); err != nil {
			return err
		}
		if total += p.bytes; goes {
			parts = append(parts, p)
		}
		return nil
	})
	return total, parts, err
}

func (s *Store) drop(ctx context.Context, p part) error {
	ctx, cancel := context.WithTimeout(ctx, insertLimit)
	defer cancel()
	return s.conn.Exec(ctx, "ALTER TABLE "+p.table+" DROP PART '"+p.name+"'") // a name that ClickHouse gave
}

// Usage is what a table takes.
type Usage struct {
	Table, Description    string
	Rows, Bytes, RawBytes uint64
	Oldest                time.Time // zero when empty
	Retention             time.Duration
}

// Usage returns what the tables take, and how many bytes are free on the disk.
func (s *Store) Usage(ctx context.Context) (tables []Usage, free uint64, err error) {
	for _, k := range kinds {
		u := Usage{Table: k.table, Description: k.description, Retention: k.keep(s.options.Retention)}
		q := &statement{}
		q.add("SELECT sum(rows), sum(bytes_on_disk), sum(data_uncompressed_bytes) FROM system.parts WHERE active AND database = currentDatabase() AND table = ", q.text(k.table))
		if err := s.query(ctx, q, func(rows driver.Rows) error { return rows.Scan(&u.Rows, &u.Bytes, &u.RawBytes) }); err != nil {
			return nil, 0, err
		}
		if u.Rows > 0 {
			q := &statement{}
			q.add("SELECT toDateTime64(min(", k.time, "), 9, 'UTC') FROM ", k.table)
			if err := s.query(ctx, q, func(rows driver.Rows) error { return rows.Scan(&u.Oldest) }); err != nil {
				return nil, 0, err
			}
		}
		tables = append(tables, u)
	}
	q := &statement{}
	q.add("SELECT min(unreserved_space) FROM system.disks")
	err = s.query(ctx, q, func(rows driver.Rows) error { return rows.Scan(&free) })
	return tables, free, err
}
