package store_test

import (
	"io/fs"
	"log/slog"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"sluice.dev/platform/clickhouse"
	"sluice.dev/platform/testenv"
	"sluice.dev/services/capture/internal/sample"
)

// atVersion makes the tables as they were after the first n migrations.
func atVersion(t *testing.T, dsn string, n int) {
	t.Helper()
	names, err := fs.Glob(os.DirFS("migrations"), "*.sql") // sorted
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, name := range names[:n] {
		data, err := os.ReadFile("migrations/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	conn, err := clickhouse.Open(t.Context(), dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := clickhouse.Migrate(t.Context(), conn, files); err != nil {
		t.Fatal(err)
	}
	err = conn.Exec(t.Context(), `INSERT INTO exchanges (id, ts, writer, seq, batch_id, endpoint_name, method, path, status, res_body, res_body_size, tls_version)
		SELECT 'ex_' || toString(number), toDateTime64(?, 9, 'UTC') - toIntervalSecond(number), 'w', number + 1, 'b', 'shop', 'GET', '/old', 200, 'body', 4, '1.3'
		FROM numbers(5000)`, noon.Format("2006-01-02 15:04:05"))
	if err != nil {
		t.Fatal(err)
	}
}

func TestOldTablesAreBroughtUpToDateWithTheirRows(t *testing.T) {
	for version := 1; version <= 2; version++ {
		dsn := testenv.ClickHouse(t)
		atVersion(t, dsn, version)
		s := openAt(t, dsn, noon.Add(time.Minute))
		old, err := s.Get(t.Context(), "ex_4999")
		if err != nil {
			t.Fatal(err)
		}
		if b := old.GetResponse().GetBody(); string(b.GetContent()) != "body" || b.GetStoredSize() != 4 {
			t.Errorf("the body of an old row is %v", b)
		}
		if got := len(all(t, s, "path:/old")); got != 1000 {
			t.Errorf("%d old rows are found, want the limit of 1000", got)
		}
		e := sample.Full(noon)
		insert(t, s, batch("w", 1e6, e))
		got, err := s.Get(t.Context(), e.GetId())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got, protocmp.Transform()); diff != "" {
			t.Errorf("a new row beside old ones changed (-want +got):\n%s", diff)
		}
	}
}
