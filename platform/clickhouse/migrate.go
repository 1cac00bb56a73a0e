package clickhouse

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"google.golang.org/grpc/codes"

	"sluice.dev/platform/clickhouse/internal/sqltext"
	"sluice.dev/platform/errs"
)

// ReasonSchema says that the database's tables don't fit this program.
const ReasonSchema errs.Reason = "CLICKHOUSE_SCHEMA"

const createMigrations = `CREATE TABLE IF NOT EXISTS schema_migrations
(
    version    UInt32,
    name       String,
    checksum   String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY version`

// Migrate applies the migrations of the folder that the connection's database
// doesn't have yet: files named 0001_name.sql, 0002_name.sql and so on, each of
// one or more statements that end with a semicolon.
//
// ClickHouse has neither transactions nor locks across statements, so what is
// promised is this. Migrations are applied in order, each at least once, and
// are recorded when all their statements are done. Several processes may
// migrate at the same time, and one that dies half-way through a migration
// applies it again: therefore every statement must give the same outcome when
// repeated, and Migrate refuses those that visibly don't (CREATE without IF NOT
// EXISTS, INSERT, RENAME and the like).
//
// It fails, changing nothing, when a migration that was applied has another
// content now, or when the database has migrations that this program doesn't
// know because a newer one made them.
func Migrate(ctx context.Context, conn driver.Conn, migrations fs.FS) error {
	return Cluster{}.Migrate(ctx, conn, migrations)
}

// record is what the database holds about a migration.
type record struct{ name, checksum string }

// appliedMigrations reads the records; processes that migrated at the same
// time may have left several of one migration.
func appliedMigrations(ctx context.Context, conn driver.Conn) (map[uint32][]record, error) {
	rows, err := conn.Query(ctx, "SELECT DISTINCT version, name, checksum FROM schema_migrations ORDER BY version")
	if err != nil {
		return nil, fmt.Errorf("reading the table of migrations: %w", err)
	}
	defer rows.Close()
	applied := map[uint32][]record{}
	for rows.Next() {
		var version uint32
		var r record
		if err := rows.Scan(&version, &r.name, &r.checksum); err != nil {
			return nil, fmt.Errorf("reading the table of migrations: %w", err)
		}
		applied[version] = append(applied[version], r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the table of migrations: %w", err)
	}
	return applied, nil
}

func compare(known []migration, applied map[uint32][]record) error {
	byVersion := make(map[uint32]migration, len(known))
	for _, m := range known {
		byVersion[m.version] = m
	}
	for version, records := range applied {
		m, ok := byVersion[version]
		if !ok {
			return errs.New(codes.FailedPrecondition, ReasonSchema,
				"the ClickHouse database has migration %04d_%s, which this program doesn't know: it is of a newer Sluice; run that version or use another database", version, records[0].name)
		}
		for _, r := range records {
			if r.checksum != m.checksum {
				return errs.New(codes.FailedPrecondition, ReasonSchema,
					"migration %s was applied to the ClickHouse database with another content (SHA-256 %s, now %s): applied migrations must not change; add a new one", m.file(), r.checksum, m.checksum)
			}
		}
	}
	return nil
}

func (m migration) apply(ctx context.Context, conn driver.Conn, c Cluster) error {
	for i, statement := range sqltext.Statements(m.sql) {
		if err := conn.Exec(ctx, c.Statement(statement)); err != nil {
			return fmt.Errorf("migration %s, statement %d: %w", m.file(), i+1, err)
		}
	}
	err := conn.Exec(ctx, "INSERT INTO schema_migrations (version, name, checksum) SELECT toUInt32(?), ?, ?", m.version, m.name, m.checksum)
	if err != nil {
		return fmt.Errorf("recording migration %s: %w", m.file(), err)
	}
	return nil
}
