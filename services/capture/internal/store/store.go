package store

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/clickhouse"
	"sluice.dev/platform/clock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Limits bound one query.
type Limits struct {
	Time  time.Duration
	Rows  uint64 // read, not returned
	Bytes uint64 // read, uncompressed
}

// Store is the tables of exchanges.
type Store struct {
	Ledger *Ledger

	conn      driver.Conn
	limits    Limits
	retention time.Duration
	clock     clock.Clock
	log       *slog.Logger
}

// Open connects to ClickHouse, brings the table up to date and sets how long rows
// are kept. It may be tried again after an error.
func Open(ctx context.Context, dsn string, retention time.Duration, limits Limits, clk clock.Clock, log *slog.Logger) (*Store, error) {
	conn, err := clickhouse.Open(ctx, dsn, log)
	if err != nil {
		return nil, err
	}
	s := &Store{conn: conn, limits: limits, retention: retention, clock: clk, log: log, Ledger: newLedger(clk)}
	if err := s.prepare(ctx); err != nil {
		_ = conn.Close() // the error that matters is the first
		return nil, err
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if err := clickhouse.Migrate(ctx, s.conn, files); err != nil {
		return err
	}
	return s.setRetention(ctx)
}

// Ping reports whether ClickHouse answers.
func (s *Store) Ping(ctx context.Context) error { return s.conn.Ping(ctx) }

// Close ends the connections.
func (s *Store) Close() error { return s.conn.Close() }

// oldest is the age up to which rows are shown; merges remove older ones later.
func (s *Store) oldest() time.Time { return s.clock.Now().Add(-s.retention) }
