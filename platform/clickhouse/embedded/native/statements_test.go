package native_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"sluice.dev/platform/testenv"
)

func TestParameters(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t))
	hard := "it's a \\ back\tslash\nand \"quotes\" {x:String} ? é"
	for name, got := range map[string]string{
		"named by the driver":     scan[string](t, conn, "SELECT @value", clickhouse.Named("value", hard)),
		"positional":              scan[string](t, conn, "SELECT ?", hard),
		"by the server":           scan[string](t, conn, "SELECT {value:String}", clickhouse.Named("value", hard)),
		"by the server, in WHERE": scan[string](t, conn, "SELECT s FROM (SELECT 'x' AS s) WHERE s = {x:String} AND {n:UInt8} = 7 AND {list:Array(String)} = ['a']", clickhouse.Named("x", "x"), clickhouse.Named("n", "7"), clickhouse.Named("list", "['a']")),
	} {
		want := hard
		if strings.Contains(name, "WHERE") {
			want = "x"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{"name": "numbers"}))
	var n uint64
	if err := conn.QueryRow(ctx, "SELECT count() FROM (SELECT * FROM system.{name:Identifier} LIMIT 3)").Scan(&n); err != nil || n != 3 {
		t.Errorf("an identifier parameter: %d, %v", n, err)
	}
}

func TestExceptionsHaveTheirCodesAndTheConnectionStaysGood(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t), func(o *clickhouse.Options) { o.MaxOpenConns = 1 })
	for sql, want := range map[string]int32{
		"SELECT * FROM missing": 60,
		"SELECT missing":        47,
		"SELEKT 1":              62,
		"SELECT throwIf(number = 500000) FROM numbers(1000000)":                                        395,
		"INSERT INTO missing VALUES (1)":                                                               60,
		"CREATE TABLE x (a Nonsense) ENGINE = Memory":                                                  50,
		"SELECT 1 SETTINGS no_such_setting = 1":                                                        115,
		"SELECT sleepEachRow(1) FROM numbers(5) SETTINGS max_execution_time = 0.1, max_block_size = 1": 159,
	} {
		err := drainQuery(t.Context(), conn, sql)
		var e *clickhouse.Exception
		if !errors.As(err, &e) || e.Code != want {
			t.Errorf("%s: got %v, want code %d", sql, err, want)
		}
		if got := scan[uint8](t, conn, "SELECT 7"); got != 7 {
			t.Errorf("after %s the connection answers %d", sql, got)
		}
	}
}

func drainQuery(ctx context.Context, conn clickhouse.Conn, sql string) error {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() { // only the end matters
	}
	return rows.Err()
}

func TestEmptyResultsHaveColumns(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t))
	exec(t, conn, "CREATE TABLE empty (a UInt64, b LowCardinality(String)) ENGINE = MergeTree ORDER BY a")
	for sql, want := range map[string]string{
		"SELECT a, b AS c FROM empty -- a comment":                        "a,c",
		"SELECT a FROM empty WHERE a = {x:UInt64};":                       "a",
		"WITH 1 AS one SELECT one, b FROM empty SETTINGS max_threads = 1": "one,b",
		"(SELECT a FROM empty) UNION ALL (SELECT a FROM empty)":           "a",
		"SHOW TABLES LIKE 'nothing at all'":                               "name",
		"SELECT a FROM empty FORMAT CSV":                                  "a",
	} {
		rows, err := conn.Query(t.Context(), sql, clickhouse.Named("x", "1"))
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if got := strings.Join(rows.Columns(), ","); got != want || rows.Next() {
			t.Errorf("%s: columns %q and perhaps rows, want %q and none", sql, got, want)
		}
		rows.Close()
	}
}

func TestStatementsOfOtherKinds(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t))
	exec(t, conn, "CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
	exec(t, conn, "INSERT INTO t (a, s) VALUES (1, 'x'), (2, 'a;b')")
	exec(t, conn, "INSERT INTO t SELECT number + 3, 'y' FROM numbers(3)")
	exec(t, conn, "INSERT INTO t SETTINGS max_threads = 1 VALUES (6, 'z')")
	if got := scan[uint64](t, conn, "SELECT count() FROM t"); got != 6 {
		t.Errorf("%d rows, want 6", got)
	}
	exec(t, conn, "ALTER TABLE t DELETE WHERE a = 6 SETTINGS mutations_sync = 2")
	if got := scan[uint64](t, conn, "/* c */ SELECT count() FROM t"); got != 5 {
		t.Errorf("%d rows after a delete, want 5", got)
	}
	if got := scan[uint8](t, conn, "EXISTS TABLE t"); got != 1 {
		t.Errorf("EXISTS gives %d", got)
	}
	for _, sql := range []string{"SHOW CREATE TABLE t", "EXPLAIN SELECT * FROM t", "DESCRIBE TABLE t", "SHOW TABLES"} {
		rows, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if !rows.Next() {
			t.Errorf("%s gives no rows: %v", sql, rows.Err())
		}
		rows.Close()
	}
	exec(t, conn, "TRUNCATE TABLE t")
	exec(t, conn, "RENAME TABLE t TO u")
	exec(t, conn, "DROP TABLE u SYNC")
}

func TestSettingsHoldForOneQuery(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t), func(o *clickhouse.Options) { o.MaxOpenConns = 1 })
	const get = "SELECT toString(getSetting('max_block_size'))"
	before := scan[string](t, conn, get)
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_block_size": 1234, "log_comment": "mine"}))
	var during string
	if err := conn.QueryRow(ctx, get).Scan(&during); err != nil || during != "1234" {
		t.Errorf("during the query: %q, %v", during, err)
	}
	if after := scan[string](t, conn, get); after != before {
		t.Errorf("after the query: %q, want %q again", after, before)
	}
	bad := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"no_such_setting": 1}))
	var e *clickhouse.Exception
	if err := conn.Exec(bad, "SELECT 1"); !errors.As(err, &e) || e.Code != 115 {
		t.Errorf("an unknown setting gives %v, want code 115", err)
	}
}

func TestSessionKeepsUseAndTemporaryTables(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t), func(o *clickhouse.Options) { o.MaxOpenConns = 1 })
	exec(t, conn, "CREATE TEMPORARY TABLE mine (n UInt8)")
	exec(t, conn, "USE system")
	if got := scan[string](t, conn, "SELECT currentDatabase()"); got != "system" {
		t.Errorf("the current database is %q", got)
	}
	if got := scan[uint64](t, conn, "SELECT count() FROM mine"); got != 0 {
		t.Errorf("%d rows", got)
	}
}

func TestExternalTablesAreRefusedAndTheConnectionStaysGood(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t), func(o *clickhouse.Options) { o.MaxOpenConns = 1 })
	table, err := ext.NewTable("outside", ext.Column("a", "UInt8"))
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Append(uint8(1)); err != nil {
		t.Fatal(err)
	}
	ctx := clickhouse.Context(t.Context(), clickhouse.WithExternalTable(table))
	err = conn.Exec(ctx, "SELECT * FROM outside")
	var e *clickhouse.Exception
	if !errors.As(err, &e) || e.Code != 48 {
		t.Errorf("got %v, want code 48", err)
	}
	if got := scan[uint8](t, conn, "SELECT 7"); got != 7 {
		t.Errorf("after that the connection answers %d", got)
	}
}

func TestLongQueriesShowThatTheyLive(t *testing.T) {
	conn := open(t, testenv.ClickHouse(t))
	ticks := 0
	ctx := clickhouse.Context(t.Context(), clickhouse.WithProgress(func(*clickhouse.Progress) { ticks++ }))
	if err := drainQuery(ctx, conn, "SELECT sleep(1.7)"); err != nil {
		t.Fatal(err)
	}
	if ticks < 3 {
		t.Errorf("a query of 1.7 s sent %d progress packets, want at least 3", ticks)
	}
}

func TestCancelEndsTheQueryInTheEngine(t *testing.T) {
	dsn := testenv.ClickHouse(t)
	victim, watcher := open(t, dsn), open(t, dsn)
	for name, sql := range map[string]string{
		"a stream that gives nothing": "SELECT count() FROM numbers(1e13) WHERE NOT ignore(cityHash64(number), 'victim')",
		"a stream of rows":            "SELECT number FROM system.numbers WHERE 'victim' != ''",
		"a statement that is whole":   "CREATE TABLE cancelled ENGINE = Memory AS SELECT count() FROM numbers(1e13) WHERE NOT ignore(cityHash64(number), 'victim')",
	} {
		t.Run(name, func(t *testing.T) {
			running := func() uint64 {
				return scan[uint64](t, watcher, "SELECT count() FROM system.processes WHERE query LIKE '%victim%' AND query NOT LIKE '%system.processes%'")
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- drainQuery(ctx, victim, sql) }()
			testenv.Eventually(t, 5*time.Second, func() bool { return running() == 1 }, "the query runs")
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the cancelled query ended with %v", err)
			}
			testenv.Eventually(t, 5*time.Second, func() bool { return running() == 0 }, "the cancelled query is gone")
		})
	}
}
