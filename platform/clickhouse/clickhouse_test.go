package clickhouse_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/clickhouse"
	"sluice.dev/platform/errs"
	"sluice.dev/platform/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func open(t *testing.T) driver.Conn {
	t.Helper()
	return openDSN(t, testenv.ClickHouse(t))
}

func openDSN(t *testing.T, dsn string) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(t.Context(), dsn, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func scan[T any](t *testing.T, conn driver.Conn, sql string, args ...any) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func TestOpenMakesTheDatabaseAtomic(t *testing.T) {
	dsn := testenv.ClickHouse(t)
	dsn = dsn[:strings.LastIndex(dsn, "/")] + "/made_by_open"
	conn := openDSN(t, dsn)
	if got := scan[string](t, conn, "SELECT engine FROM system.databases WHERE name = currentDatabase()"); got != "Atomic" {
		t.Errorf("the engine of the new database is %q, want Atomic", got)
	}
	if got := scan[string](t, conn, "SELECT currentDatabase()"); got != "made_by_open" {
		t.Errorf("the current database is %q", got)
	}
	if err := conn.Exec(t.Context(), "DROP DATABASE made_by_open SYNC"); err != nil {
		t.Error(err)
	}
}

func TestOpenPinsAsyncInsertOff(t *testing.T) {
	if got := scan[string](t, open(t), "SELECT toString(getSetting('async_insert'))"); got != "false" && got != "0" {
		t.Errorf("async_insert is %q", got)
	}
}

func TestOpenFailsAtOnceWhenRefused(t *testing.T) {
	dsn := strings.Replace(testenv.ClickHouse(t), "clickhouse://sluice:", "clickhouse://sluice:wrong", 1)
	begin := time.Now()
	_, err := clickhouse.Open(t.Context(), dsn, quiet)
	if err == nil || time.Since(begin) > 5*time.Second {
		t.Errorf("a wrong password gave %v after %v; want an error at once", err, time.Since(begin))
	}
	if err != nil && strings.Contains(err.Error(), "wrong") {
		t.Errorf("the error shows the password: %v", err)
	}
}

func TestOpenWaitsOnlyAsLongAsTheContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	if _, err = clickhouse.Open(ctx, "clickhouse://"+addr+"/x", quiet); !errs.Is(err, errs.ReasonUnavailable) {
		t.Errorf("nothing listens, and the error is %v", err)
	}
}

func migrations(files map[string]string) fstest.MapFS {
	folder := fstest.MapFS{}
	for name, sql := range files {
		folder[name] = &fstest.MapFile{Data: []byte(sql)}
	}
	return folder
}

var two = map[string]string{
	"0001_first.sql":  "-- a comment; with a semicolon\nCREATE TABLE IF NOT EXISTS a (n UInt64, s String DEFAULT 'x;y') ENGINE = MergeTree ORDER BY n;",
	"0002_second.sql": "ALTER TABLE a ADD COLUMN IF NOT EXISTS m UInt64;\nCREATE TABLE IF NOT EXISTS b (n UInt64) ENGINE = MergeTree ORDER BY n",
}

func TestMigrateAppliesEachMigrationOnce(t *testing.T) {
	conn := open(t)
	for range 2 {
		if err := clickhouse.Migrate(t.Context(), conn, migrations(two)); err != nil {
			t.Fatal(err)
		}
	}
	if got := scan[uint64](t, conn, "SELECT count() FROM schema_migrations"); got != 2 {
		t.Errorf("%d records, want 2", got)
	}
	if got := scan[uint64](t, conn, "SELECT count() FROM system.columns WHERE database = currentDatabase() AND table = 'a'"); got != 3 {
		t.Errorf("table a has %d columns, want 3", got)
	}
}

func TestMigrateBySeveralAtTheSameTime(t *testing.T) {
	dsn := testenv.ClickHouse(t)
	var wg sync.WaitGroup
	for range 6 {
		conn := openDSN(t, dsn)
		wg.Go(func() {
			if err := clickhouse.Migrate(t.Context(), conn, migrations(two)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	conn := openDSN(t, dsn)
	if err := clickhouse.Migrate(t.Context(), conn, migrations(two)); err != nil {
		t.Errorf("migrating again after that: %v", err)
	}
	if got := scan[uint64](t, conn, "SELECT uniqExact(version) FROM schema_migrations"); got != 2 {
		t.Errorf("%d versions, want 2", got)
	}
}

func TestMigrateRefuses(t *testing.T) {
	changed := map[string]string{"0001_first.sql": two["0001_first.sql"] + " ", "0002_second.sql": two["0002_second.sql"]}
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a changed migration":       {changed, "0001_first.sql was applied"},
		"a database that is newer":  {map[string]string{"0001_first.sql": two["0001_first.sql"]}, "newer Sluice"},
		"a gap":                     {map[string]string{"0001_a.sql": "SELECT 1", "0003_b.sql": "SELECT 1"}, "where 2 is next"},
		"a bad name":                {map[string]string{"1-a.sql": "SELECT 1"}, "not named like"},
		"CREATE without condition":  {map[string]string{"0001_a.sql": "CREATE TABLE a (n UInt8) ENGINE = Memory"}, "IF NOT EXISTS"},
		"ADD COLUMN without one":    {map[string]string{"0001_a.sql": "ALTER TABLE a ADD COLUMN IF NOT EXISTS b UInt8, ADD COLUMN c UInt8"}, "ADD COLUMN needs"},
		"an INSERT":                 {map[string]string{"0001_a.sql": "INSERT INTO a VALUES (1)"}, "INSERT can't be repeated"},
		"DROP without condition":    {map[string]string{"0001_a.sql": "DROP TABLE a"}, "IF EXISTS"},
		"a statement that is wrong": {map[string]string{"0001_first.sql": two["0001_first.sql"], "0002_second.sql": two["0002_second.sql"], "0003_c.sql": "CREATE TABLE IF NOT EXISTS c (n Nonsense) ENGINE = Memory"}, "0003_c.sql, statement 1"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := open(t)
			if err := clickhouse.Migrate(t.Context(), conn, migrations(two)); err != nil {
				t.Fatal(err)
			}
			err := clickhouse.Migrate(t.Context(), conn, migrations(c.files))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
