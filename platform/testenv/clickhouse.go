package testenv

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"sluice.dev/platform/clickhouse/embedded"
)

// childEnv marks a test binary that was started to serve ClickHouse.
const childEnv = "SLUICE_TESTENV_CHILD"

const (
	clickHouseStartLimit = 60 * time.Second // the first start hashes half a gigabyte
	clickHouseStopLimit  = 15 * time.Second
)

var (
	sharedClickHouse     = sync.OnceValues(startSharedClickHouse)
	sharedClickHouseNext atomic.Int64
)

// ClickHouse returns the DSN of an empty database on a real ClickHouse engine,
// which the tests of this binary share and which runs in a child process. The
// database is dropped after the test. The package's TestMain must call Main.
func ClickHouse(t testing.TB) (dsn string) {
	t.Helper()
	process, err := sharedClickHouse()
	if err != nil {
		t.Fatalf("starting ClickHouse for tests: %v", err)
	}
	database := fmt.Sprintf("test_%d", sharedClickHouseNext.Add(1))
	admin := openClickHouse(t, process.DSNOf(""))
	ctx := context.Background()
	if err := admin.Exec(ctx, "CREATE DATABASE "+database+" ENGINE = Atomic"); err != nil {
		t.Fatalf("creating a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := admin.Exec(ctx, "DROP DATABASE IF EXISTS "+database+" SYNC"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
		admin.Close()
	})
	return process.DSNOf(database)
}

// ChildEnv is what makes this test binary, run as a child, serve ClickHouse.
func ChildEnv() []string { return []string{childEnv + "=1"} }

// ClickHouseProcess starts an engine for this test alone, which the test may
// kill. It ends with the test.
func ClickHouseProcess(t testing.TB) *embedded.Process {
	t.Helper()
	process, err := startClickHouse(t.TempDir())
	if err != nil {
		t.Fatalf("starting ClickHouse for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := stopClickHouse(process); err != nil {
			t.Error(err)
		}
	})
	return process
}

func openClickHouse(t testing.TB, dsn string) driver.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func startSharedClickHouse() (*embedded.Process, error) {
	if !mainRan.Load() {
		return nil, fmt.Errorf("the package's tests need `func TestMain(m *testing.M) { testenv.Main(m) }`")
	}
	dir, err := os.MkdirTemp("", "sluice-clickhouse-")
	if err != nil {
		return nil, err
	}
	process, err := startClickHouse(dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	onExit(func() {
		if err := stopClickHouse(process); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.RemoveAll(dir)
	})
	return process, nil
}

func startClickHouse(dir string) (*embedded.Process, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), clickHouseStartLimit)
	defer cancel()
	return embedded.Start(ctx, embedded.ProcessConfig{
		Command:  []string{executable},
		Env:      ChildEnv(),
		DataDir:  dir,
		CacheDir: cacheDir(),
		Log:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
}

func stopClickHouse(process *embedded.Process) error {
	ctx, cancel := context.WithTimeout(context.Background(), clickHouseStopLimit)
	defer cancel()
	return process.Stop(ctx)
}

// cacheDir is where the check of the engine's library is remembered from one
// test run to the next.
func cacheDir() string {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "sluice-test")
	if os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	return dir
}

// serveClickHouse is the child's main.
func serveClickHouse() int {
	config, ok, err := embedded.Handover()
	if err == nil && !ok {
		err = fmt.Errorf("%s is for processes that testenv starts", childEnv)
	}
	if err == nil {
		config.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		err = embedded.Serve(context.Background(), config)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
