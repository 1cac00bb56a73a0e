package benchmark

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice.dev/platform/clock"
	"sluice.dev/platform/id"
	capturev1 "sluice.dev/proto/gen/sluice/capture/v1"
	"sluice.dev/services/capture/internal/heads"
	"sluice.dev/services/capture/internal/store"
)

const (
	// rowsPerInsert is what one insert of the load has: that of a busy capture
	// process is as large.
	rowsPerInsert = 20_000
	writer        = "bench"
	span          = 24 * time.Hour
)

func open(ctx context.Context, dsn string, log *slog.Logger) (*store.Store, error) {
	limits := store.Limits{Time: 2 * time.Minute, Rows: 2e9, Bytes: 2e11}
	return store.Open(ctx, dsn, 7*24*time.Hour, limits, clock.System{}, log)
}

// Load stores rows exchanges spread over the 24 hours before now, in the order of
// their time, and returns how long it took. Progress is called now and then.
func Load(ctx context.Context, dsn string, rows int, log *slog.Logger, progress func(done int)) (time.Duration, error) {
	s, err := open(ctx, dsn, log)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	begin, start := time.Now(), time.Now().Add(-span)
	step := span / time.Duration(rows)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(3)
	for first := 0; first < rows; first += rowsPerInsert {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			n := min(rowsPerInsert, rows-first)
			b := store.NewBatch(batchOf(uint64(first+1), n, start.Add(time.Duration(first)*step), step)) //nolint:gosec // not negative
			b.Stamp(writer, heads.Seq(start.Add(time.Duration(first)*step)))
			if err := s.Insert(ctx, b); err != nil {
				return fmt.Errorf("storing exchanges from %d on: %w", first, err)
			}
			progress(first + n)
			return nil
		})
	}
	return time.Since(begin), group.Wait()
}

// batchOf is n exchanges, one each step from t on.
func batchOf(seed uint64, n int, t time.Time, step time.Duration) *capturev1.Batch {
	g, b := newTraffic(seed), &capturev1.Batch{Id: id.Batch.New(), Exchanges: make([]*capturev1.Exchange, n)}
	for i := range b.Exchanges {
		b.Exchanges[i] = g.exchange(t.Add(time.Duration(i) * step))
	}
	return b
}
