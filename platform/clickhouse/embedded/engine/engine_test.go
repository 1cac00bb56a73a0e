package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"sluice.dev/platform/clickhouse/embedded"
	"sluice.dev/platform/clickhouse/embedded/engine"
)

// shared is the one engine that a process can have.
var shared *engine.Engine

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	path, err := embedded.Library(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "sluice-engine-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if shared, err = engine.Open(engine.Options{LibraryPath: path, DataDir: dir}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := shared.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func connect(t *testing.T) *engine.Conn {
	t.Helper()
	conn, err := shared.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func text(t *testing.T, conn *engine.Conn, sql string, params ...engine.Param) string {
	t.Helper()
	result, err := conn.QueryAs(sql, "TSVRaw", params...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer result.Release()
	return strings.TrimSuffix(string(result.Bytes()), "\n")
}

func TestNilDereferenceStillPanicsAfterConnecting(t *testing.T) {
	connect(t)
	connect(t)
	defer func() {
		if recover() == nil {
			t.Error("a nil dereference did not panic")
		}
	}()
	var p *struct{ n int }
	p.n = 1
}

func TestErrorsCarryClickHousesCode(t *testing.T) {
	conn := connect(t)
	for sql, want := range map[string]int32{
		"SELECT * FROM missing":       60,
		"SELEC 1":                     62,
		"SET no_such_setting = 1":     115,
		"SELECT throwIf(1)":           395,
		"USE missing":                 81,
		"SELECT 1 + 'a string, here'": 43,
	} {
		_, err := conn.Query(sql)
		var e *engine.Error
		if !errors.As(err, &e) || e.Code != want {
			t.Errorf("%s: got %v, want code %d", sql, err, want)
		} else if strings.Contains(e.Message, "Code:") || e.Message == "" {
			t.Errorf("%s: the message %q should be without code", sql, e.Message)
		}
	}
}

func TestFailedStatementLeavesNothingForTheNext(t *testing.T) {
	conn := connect(t)
	if _, err := conn.Query("SELECT throwIf(number = 300000) FROM numbers(1000000)"); err == nil {
		t.Fatal("the statement should fail after some blocks")
	}
	if got := text(t, conn, "SELECT 7"); got != "7" {
		t.Errorf("the next result begins with rows of the failed statement: %.40q", got)
	}
}

func TestParametersKeepAnyByte(t *testing.T) {
	conn := connect(t)
	got := text(t, conn, "SELECT length({a:String}), {b:String}", engine.Param{Name: "a", Value: `x\0y\tz`}, engine.Param{Name: "b"})
	if got != "5\t" {
		t.Errorf("got %q, want the length 5 and an empty string", got)
	}
}

func TestStreamGivesAllRowsInChunks(t *testing.T) {
	conn := connect(t)
	stream, err := conn.Stream("SELECT number FROM numbers(300000)")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	chunks, rows := 0, uint64(0)
	for {
		chunk, err := stream.Next()
		if err != nil {
			t.Fatal(err)
		}
		if chunk == nil {
			break
		}
		chunks++
		rows += chunk.Stats().RowsRead
		chunk.Release()
	}
	if chunks < 2 || rows != 300000 {
		t.Errorf("got %d rows in %d chunks; want 300000 in several", rows, chunks)
	}
}

func TestInsertStoresRowsOnlyWhenDone(t *testing.T) {
	conn := connect(t)
	if err := conn.Exec("CREATE TABLE IF NOT EXISTS inserted (n UInt8) ENGINE = Memory"); err != nil {
		t.Fatal(err)
	}
	block := "\x01\x02\x01n\x05UInt8\x07\x08"
	for _, finish := range []bool{false, true} {
		insert, err := conn.Insert("INSERT INTO inserted")
		if err != nil {
			t.Fatal(err)
		}
		if err := insert.Append([]byte(block)); err != nil {
			t.Fatal(err)
		}
		if finish {
			if stats, err := insert.Done(); err != nil || stats.RowsWritten != 2 {
				t.Errorf("done: %+v, %v; want 2 rows written", stats, err)
			}
		}
		insert.Close()
	}
	if got := text(t, conn, "SELECT count() FROM inserted"); got != "2" {
		t.Errorf("%s rows are stored, want 2: those of the insert that was finished", got)
	}
}

func TestInsertsAreSyncedToDisk(t *testing.T) {
	conn := connect(t)
	got := text(t, conn, "SELECT name, value FROM system.merge_tree_settings WHERE name IN ('fsync_after_insert', 'fsync_part_directory') ORDER BY name")
	if got != "fsync_after_insert\t1\nfsync_part_directory\t1" {
		t.Errorf("got %q", got)
	}
}

func TestConfigurationHolds(t *testing.T) {
	conn := connect(t)
	for name, want := range map[string]string{
		"max_server_memory_usage":       fmt.Sprint(engine.DefaultMaxMemory),
		"mark_cache_size":               "67108864",
		"index_mark_cache_size":         "16777216",
		"uncompressed_cache_size":       "0",
		"index_uncompressed_cache_size": "0",
		"mmap_cache_size":               "128",
		"max_thread_pool_free_size":     "16",
	} {
		if got := text(t, conn, "SELECT value FROM system.server_settings WHERE name = {name:String}", engine.Param{Name: "name", Value: name}); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestConnectionsAreSessionsOfTheirOwn(t *testing.T) {
	one, other := connect(t), connect(t)
	if err := one.Exec("SET max_threads = 7"); err != nil {
		t.Fatal(err)
	}
	if got := text(t, other, "SELECT getSetting('max_threads')"); got == "7" {
		t.Error("a setting of one connection holds on another")
	}
}

func TestConnectionsRunInParallel(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		conn := connect(t)
		wg.Go(func() {
			for range 20 {
				result, err := conn.QueryAs("SELECT sum(number) FROM numbers(100000)", "TSVRaw")
				if err != nil {
					t.Error(err)
					return
				}
				if got := string(result.Bytes()); got != "4999950000\n" {
					t.Errorf("got %q", got)
				}
				result.Release()
			}
		})
	}
	wg.Wait()
}
