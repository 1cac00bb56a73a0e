package native_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/testenv"
)

// insertRows sends one batch of (n, text) rows numbered from first.
func insertRows(ctx context.Context, conn driver.Conn, sql string, first, count uint64, text string) error {
	batch, err := conn.PrepareBatch(ctx, sql)
	if err != nil {
		return err
	}
	for n := first; n < first+count; n++ {
		if err := batch.Append(n, text); err != nil {
			return err
		}
	}
	return batch.Send()
}

func TestInsertFormsAndColumnLists(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t))
	exec(t, conn, "CREATE TABLE `odd name` (n UInt64, s String, m UInt64 MATERIALIZED n * 2, a UInt64 ALIAS n + 1, `d.x` UInt8 DEFAULT 9) ENGINE = MergeTree ORDER BY n")
	for _, sql := range []string{
		"INSERT INTO `odd name` (n, s)",
		"INSERT INTO `odd name` (n, s) VALUES",
		"-- why\nINSERT INTO `odd name` ( `n` , \"s\" ) FORMAT Native",
		"insert into `odd name` (n, s) values",
	} {
		if err := insertRows(t.Context(), conn, sql, 1, 1, "x"); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO `odd name`")
	if err != nil {
		t.Fatal(err)
	}
	if err := batch.Append(uint64(5), "all", uint8(7)); err != nil {
		t.Fatalf("an insert without a column list wants the plain columns: %v", err)
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	if got := scan[string](t, conn, "SELECT concat(toString(count()), ' ', toString(sum(m)), ' ', toString(sum(a)), ' ', toString(sum(`d.x`))) FROM `odd name`"); got != "5 18 14 43" {
		t.Errorf("got %q, want count, sum of materialized, alias and default columns: 5 18 14 43", got)
	}
}

func TestFailedInsertStoresNothingAndTheConnectionStaysGood(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t), func(o *clickhouse.Options) { o.MaxOpenConns = 1 })
	exec(t, conn, "CREATE TABLE t (n UInt64, s String, CONSTRAINT small CHECK n < 100) ENGINE = MergeTree ORDER BY n")
	for name, c := range map[string]struct {
		sql  string
		code int32
	}{
		"a broken constraint": {"INSERT INTO t (n, s)", 469},
		"an unknown column":   {"INSERT INTO t (n, nothing)", 16},
		"an unknown table":    {"INSERT INTO nothing", 60},
	} {
		err := insertRows(t.Context(), conn, c.sql, 50, 60_000, strings.Repeat("y", 100))
		var e *clickhouse.Exception
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: got %v, want code %d", name, err, c.code)
		}
		if got := scan[uint64](t, conn, "SELECT count() FROM t"); got != 0 {
			t.Errorf("%s: %d rows are stored", name, got)
		}
	}
}

func TestAbandonedInsertsStoreNothing(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t))
	exec(t, conn, "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	for name, abandon := range map[string]func(driver.Batch) error{
		"aborted":            driver.Batch.Abort,
		"flushed, then gone": func(b driver.Batch) error { return errors.Join(b.Flush(), b.Abort()) },
		"closed unsent":      driver.Batch.Close,
	} {
		batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO t")
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.Append(uint64(1), "x"); err != nil {
			t.Fatal(err)
		}
		if err := abandon(batch); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	testenv.Eventually(t, 5*time.Second, func() bool {
		return scan[uint64](t, conn, "SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'") == 0
	}, "no abandoned insert is left")
	if got := scan[uint64](t, conn, "SELECT count() FROM t"); got != 0 {
		t.Errorf("%d rows are stored, want none", got)
	}
}

func TestSeveralBlocksOfOneInsertAreStoredTogether(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t))
	exec(t, conn, "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO t")
	if err != nil {
		t.Fatal(err)
	}
	for block := range uint64(5) {
		for n := range uint64(1000) {
			if err := batch.Append(block*1000+n, "x"); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	if got := scan[uint64](t, conn, "SELECT uniqExact(n) FROM t"); got != 5000 {
		t.Errorf("%d rows, want 5000", got)
	}
	if got := scan[uint64](t, conn, "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 't'"); got != 1 {
		t.Errorf("the insert made %d parts, want 1", got)
	}
}

// Capture relies on this: a batch that is sent again after a lost
// acknowledgement is stored once.
func TestDeduplicationTokenOnPlainMergeTree(t *testing.T) {
	dsn := testenv.ClickHouse(t)
	conn := open(t, dsn)
	exec(t, conn, "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 1000")
	withToken := func(token string) context.Context {
		return clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": token}))
	}
	count := func() uint64 { return scan[uint64](t, conn, "SELECT count() FROM t") }
	for i, step := range []struct {
		token, text string
		conn        driver.Conn
		want        uint64
	}{
		{"batch-1", "x", conn, 1000},
		{"batch-1", "x", conn, 1000},          // the same batch again
		{"batch-1", "x", open(t, dsn), 1000},  // on another connection
		{"batch-1", "other rows", conn, 1000}, // the token alone decides
		{"batch-2", "x", conn, 2000},          // equal rows of another batch are kept
		{"batch-3", "x", open(t, dsn), 3000},  // likewise on another connection
		{"batch-2", "x", conn, 3000},          // an older batch again
	} {
		if err := insertRows(withToken(step.token), step.conn, "INSERT INTO t", 0, 1000, step.text); err != nil {
			t.Fatal(err)
		}
		if got := count(); got != step.want {
			t.Fatalf("step %d: %d rows, want %d", i, got, step.want)
		}
	}
}

func TestLargeBlocksGoBothWays(t *testing.T) {
	for name, compression := range map[string]*clickhouse.Compression{"plain": nil, "LZ4": {Method: clickhouse.CompressionLZ4}} {
		t.Run(name, func(t *testing.T) {
			conn := open(t, testenv.ClickHouse(t), func(o *clickhouse.Options) { o.Compression = compression })
			exec(t, conn, "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
			if err := insertRows(t.Context(), conn, "INSERT INTO t", 0, 4000, strings.Repeat("0123456789abcdef", 640)); err != nil {
				t.Fatal(err)
			}
			rows, err := conn.Query(t.Context(), "SELECT s FROM t")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			total := 0
			for rows.Next() {
				var s string
				if err := rows.Scan(&s); err != nil {
					t.Fatal(err)
				}
				total += len(s)
			}
			if want := 4000 * 10240; rows.Err() != nil || total != want {
				t.Errorf("read %d bytes, %v; want %d", total, rows.Err(), want)
			}
		})
	}
}
