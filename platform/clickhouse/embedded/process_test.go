package embedded_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/goleak"

	platform "sluice.dev/platform/clickhouse"
	"sluice.dev/platform/clickhouse/embedded"
	"sluice.dev/platform/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m, func() error { return goleak.Find() }) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func open(t *testing.T, dsn string) driver.Conn {
	t.Helper()
	conn, err := platform.Open(t.Context(), dsn, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// writer inserts numbered batches of rows, each with its own token, and sends
// a batch again until it is acknowledged.
type writer struct {
	conn  driver.Conn
	id    int
	acked atomic.Int64 // batches
}

const batchRows = 200

func (w *writer) run(ctx context.Context) {
	for ctx.Err() == nil {
		if w.insert(ctx, int(w.acked.Load())) == nil {
			w.acked.Add(1)
		}
	}
}

func (w *writer) insert(ctx context.Context, number int) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	token := fmt.Sprintf("writer-%d-batch-%d", w.id, number)
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": token}))
	batch, err := w.conn.PrepareBatch(ctx, "INSERT INTO t")
	if err != nil {
		return err
	}
	for i := range batchRows {
		if err := batch.Append(uint8(w.id), uint64(number*batchRows+i), strings.Repeat("x", 200)); err != nil {
			return err
		}
	}
	return batch.Send()
}

func TestKillsLoseAndDoubleNoAcknowledgedRow(t *testing.T) {
	process := testenv.ClickHouseProcess(t)
	conn := open(t, process.DSN())
	err := conn.Exec(t.Context(), "CREATE TABLE t (writer UInt8, n UInt64, s String) ENGINE = MergeTree ORDER BY (writer, n) SETTINGS non_replicated_deduplication_window = 10000")
	if err != nil {
		t.Fatal(err)
	}
	const writers, kills = 3, 4
	ctx, stop := context.WithCancel(t.Context())
	all := make([]*writer, writers)
	var wg sync.WaitGroup
	for i := range all {
		all[i] = &writer{conn: open(t, process.DSN()), id: i}
		wg.Go(func() { all[i].run(ctx) })
	}
	for range kills {
		awaitBatches(t, all, 6)
		killAndAwait(t, process, conn)
	}
	stop()
	wg.Wait()
	for _, w := range all {
		checkRows(t, conn, w)
	}
}

// awaitBatches waits until each writer got that many more acknowledgements.
func awaitBatches(t *testing.T, writers []*writer, more int64) {
	t.Helper()
	for _, w := range writers {
		want := w.acked.Load() + more
		testenv.Eventually(t, 20*time.Second, func() bool { return w.acked.Load() >= want }, "the writer's batches are acknowledged")
	}
}

// killAndAwait kills the engine and waits until another serves.
func killAndAwait(t *testing.T, process *embedded.Process, conn driver.Conn) {
	t.Helper()
	pid := process.PID()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return process.PID() != pid && conn.Ping(ctx) == nil
	}, "another engine serves on the same address")
}

func checkRows(t *testing.T, conn driver.Conn, w *writer) {
	t.Helper()
	want := uint64(w.acked.Load() * batchRows)
	var rows, distinct, acked uint64
	err := conn.QueryRow(t.Context(), "SELECT count(), uniqExact(n), countIf(n < ?) FROM t WHERE writer = ?", want, w.id).Scan(&rows, &distinct, &acked)
	if err != nil {
		t.Fatal(err)
	}
	if acked != want {
		t.Errorf("writer %d: %d of the acknowledged rows are there, want %d", w.id, acked, want)
	}
	if rows != distinct || rows%batchRows != 0 {
		t.Errorf("writer %d: %d rows, %d of them distinct: rows are doubled or a batch is torn", w.id, rows, distinct)
	}
}

func TestSecondProcessOnTheDirectoryIsToldWhy(t *testing.T) {
	process := testenv.ClickHouseProcess(t)
	directory := process.DataDir()
	err := embedded.Serve(t.Context(), embedded.ServerConfig{DataDir: directory, Listen: "127.0.0.1:0"})
	want := fmt.Sprintf("%s is in use by process %d", directory, process.PID())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an error with %q", err, want)
	}
}

func TestWrongLibraryIsRefused(t *testing.T) {
	fake := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(fake, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, want string }{
		"another file": {fake, "run `make setup`"},
		"no file":      {fake + ".missing", "no such file"},
	} {
		err := embedded.Serve(t.Context(), embedded.ServerConfig{DataDir: t.TempDir(), Listen: "127.0.0.1:0", LibraryPath: c.path})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}

func TestStartTellsWhyTheChildFailed(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	_, err = embedded.Start(t.Context(), embedded.ProcessConfig{
		Command: []string{executable}, Env: testenv.ChildEnv(), DataDir: t.TempDir(), LibraryPath: "/does/not/exist.so",
	})
	if err == nil || !strings.Contains(err.Error(), "/does/not/exist.so") {
		t.Errorf("got %v, want the child's reason", err)
	}
	_, err = embedded.Start(t.Context(), embedded.ProcessConfig{Command: []string{executable}, Addr: "0.0.0.0:0", DataDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("an address that others can reach gives %v", err)
	}
}

func TestStopLetsARunningQueryFinish(t *testing.T) {
	process := testenv.ClickHouseProcess(t)
	conn := open(t, process.DSN())
	result := make(chan error, 1)
	go func() {
		var n uint64
		result <- conn.QueryRow(t.Context(), "SELECT sum(sleepEachRow(0.3) + 1) FROM numbers(4)").Scan(&n)
	}()
	watcher := open(t, process.DSN())
	testenv.Eventually(t, 5*time.Second, func() bool {
		var n uint64
		err := watcher.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%processes%'").Scan(&n)
		return err == nil && n == 1
	}, "the query runs")
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	begin := time.Now()
	if err := process.Stop(ctx); err != nil {
		t.Error(err)
	}
	if waited := time.Since(begin); waited < 500*time.Millisecond {
		t.Errorf("Stop took %v, which is less than the query had left", waited)
	}
	if err := <-result; err != nil {
		t.Errorf("the query that ran when the server was stopped: %v", err)
	}
	if err := syscall.Kill(process.PID(), 0); err == nil {
		t.Error("the child still runs")
	}
}
