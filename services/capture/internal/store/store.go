package store

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
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

// Options say how a store is kept and asked.
type Options struct {
	Retention Retention
	Limits    Limits
	// Cluster is the name of a ClickHouse cluster whose replicas all have the tables;
	// empty for a server of its own.
	Cluster string
	// NoTextIndex saves the time and space of the index that *:word uses.
	NoTextIndex bool
	// ByteLimit is the most that parts on disk may take; 0 for no limit.
	ByteLimit uint64
}

func (o Options) cluster() string { return clickhouse.Cluster{Name: o.Cluster}.Clause() }

// Store is the tables of exchanges.
type Store struct {
	Ledger *Ledger

	conn           driver.Conn
	options        Options
	limits         Limits
	retention      time.Duration // of exchanges
	clock          clock.Clock
	log            *slog.Logger
	insertSettings ch.Settings
	textIndex      bool
}

// Open is [Options.Open] with a retention and limits alone.
func Open(ctx context.Context, dsn string, retention time.Duration, limits Limits, clk clock.Clock, log *slog.Logger) (*Store, error) {
	return Options{Retention: Retention{Exchanges: retention}, Limits: limits}.Open(ctx, dsn, clk, log)
}

// Open connects to ClickHouse, brings the tables up to date and sets how long rows
// are kept. It may be tried again after an error.
func (o Options) Open(ctx context.Context, dsn string, clk clock.Clock, log *slog.Logger) (*Store, error) {
	conn, err := clickhouse.Open(ctx, dsn, log)
	if err != nil {
		return nil, err
	}
	s := &Store{
		Ledger: newLedger(clk), conn: conn, options: o, limits: o.Limits, retention: o.Retention.Exchanges, clock: clk, log: log,
		insertSettings: ch.Settings{"async_insert": 0, "max_partitions_per_insert_block": 0},
	}
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
	if err := (clickhouse.Cluster{Name: s.options.Cluster}).Migrate(ctx, s.conn, files); err != nil {
		return err
	}
	if err := s.tune(ctx); err != nil {
		return err
	}
	if err := s.setRetention(ctx); err != nil {
		return err
	}
	return s.setPartLimit(ctx)
}

// Ping reports whether ClickHouse answers.
func (s *Store) Ping(ctx context.Context) error { return s.conn.Ping(ctx) }

// Close ends the connections.
func (s *Store) Close() error { return s.conn.Close() }

// oldest is the age up to which rows are shown; merges remove older ones later.
func (s *Store) oldest() time.Time { return s.clock.Now().Add(-s.retention) }
