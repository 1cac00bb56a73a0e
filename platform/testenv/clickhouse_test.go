package testenv_test

import (
	"context"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"sluice.dev/platform/testenv"
)

func TestClickHouseGivesEachTestItsOwnDatabase(t *testing.T) {
	ctx := context.Background()
	for range 2 {
		options, err := clickhouse.ParseDSN(testenv.ClickHouse(t))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := clickhouse.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.Exec(ctx, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a"); err != nil {
			t.Fatal(err)
		}
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO t")
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.Append(uint64(7)); err != nil {
			t.Fatal(err)
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
		var n uint64
		if err := conn.QueryRow(ctx, "SELECT count() FROM t").Scan(&n); err != nil || n != 1 {
			t.Errorf("the table has %d rows, %v; want 1", n, err)
		}
	}
}
