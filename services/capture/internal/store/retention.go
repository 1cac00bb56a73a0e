package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// setRetention makes ClickHouse remove rows older than the retention. It changes
// the table only when the time differs, since a change rewrites what parts know
// of it.
func (s *Store) setRetention(ctx context.Context) error {
	want := fmt.Sprintf("toDateTime(ts) + toIntervalSecond(%d)", int64(s.retention/time.Second))
	var engine string
	row := s.conn.QueryRow(ctx, "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'exchanges'")
	if err := row.Scan(&engine); err != nil {
		return fmt.Errorf("read the retention of exchanges: %w", err)
	}
	if strings.Contains(engine, "TTL "+want) {
		return nil
	}
	if err := s.conn.Exec(ctx, "ALTER TABLE exchanges MODIFY TTL "+want); err != nil {
		return fmt.Errorf("set the retention of exchanges: %w", err)
	}
	return nil
}
