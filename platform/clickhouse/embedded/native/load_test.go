package native_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"sluice.dev/platform/testenv"
)

// TestMixedLoad has many clients insert, query and cancel at the same time:
// nothing fails that wasn't cancelled, and the rows add up.
func TestMixedLoad(t *testing.T) {
	const duration, workers, batchRows = 6 * time.Second, 12, 500
	dsn := testenv.ClickHouse(t)
	conn := open(t, dsn, func(o *clickhouse.Options) { o.MaxOpenConns, o.MaxIdleConns = workers, workers })
	exec(t, conn, "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	var inserted, queries, cancels atomic.Uint64
	jobs := []func(ctx context.Context, worker, round int) error{
		func(ctx context.Context, worker, round int) error {
			first := uint64(worker)<<40 | uint64(round)*batchRows
			if err := insertRows(ctx, conn, "INSERT INTO t", first, batchRows, "load"); err != nil {
				return fmt.Errorf("insert: %w", err)
			}
			inserted.Add(batchRows)
			return nil
		},
		func(ctx context.Context, _, round int) error {
			queries.Add(1)
			var got, sum uint64
			err := conn.QueryRow(ctx, "SELECT count(), sum(number) FROM (SELECT number FROM numbers({n:UInt64}))", clickhouse.Named("n", fmt.Sprint(round))).Scan(&got, &sum)
			if err == nil && got != uint64(round) {
				err = fmt.Errorf("counted %d instead of %d", got, round)
			}
			return err
		},
		func(ctx context.Context, _, _ int) error {
			cancels.Add(1)
			ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			err := drainQuery(ctx, conn, "SELECT count() FROM numbers(1e12) WHERE NOT ignore(cityHash64(number))")
			if !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
				return fmt.Errorf("a cancelled query: %w", err)
			}
			return nil
		},
	}
	end := time.Now().Add(duration)
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for round := 0; time.Now().Before(end) && !t.Failed(); round++ {
				if err := jobs[(worker+round)%len(jobs)](t.Context(), worker, round); err != nil {
					t.Errorf("worker %d: %v", worker, err)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d rows inserted, %d queries, %d cancelled", inserted.Load(), queries.Load(), cancels.Load())
	if got := scan[uint64](t, conn, "SELECT uniqExact(n) FROM t"); got != inserted.Load() {
		t.Errorf("%d rows are stored, want %d", got, inserted.Load())
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
