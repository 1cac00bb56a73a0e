// Package rollup keeps the counts by minute and hour up to date with what this
// process stores, over its restarts.
package rollup

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/redisdb"
	"sluice.dev/services/capture/internal/heads"
	"sluice.dev/services/capture/internal/store"
)

const (
	pause = 10 * time.Second
	// margin is how long before it is noted an exchange may have got its number.
	margin = 2 * time.Minute
)

// Runner counts in the background. How far it has come is in Redis; without that
// all of the writer's exchanges are looked at again, which does no harm.
type Runner struct {
	store  *store.Store
	db     *redisdb.DB
	writer string
	log    *slog.Logger
}

// New returns a runner for what writer stores.
func New(s *store.Store, db *redisdb.DB, writer string, log *slog.Logger) *Runner {
	return &Runner{store: s, db: db, writer: writer, log: log}
}

func (r *Runner) key() string { return r.db.Key("capture", "counted") }

// Run counts until ctx ends. Until it has found out what is to be counted, nothing
// is answered from counts.
func (r *Runner) Run(ctx context.Context) error {
	recovered := false
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		err := r.turn(ctx, &recovered)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("exchanges are not counted yet; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (r *Runner) turn(ctx context.Context, recovered *bool) error {
	if !*recovered {
		text, err := r.db.HGet(ctx, r.key(), r.writer).Result()
		if err != nil && err != redis.Nil { //nolint:errorlint // go-redis returns Nil itself
			return fmt.Errorf("read how far exchanges are counted: %w", err)
		}
		after, _ := strconv.ParseUint(text, 10, 64) // nothing, or what cannot be read, is 0
		if err := r.store.Recover(ctx, r.writer, after); err != nil {
			return err
		}
		*recovered = true
	}
	if err := r.store.Roll(ctx); err != nil {
		return err
	}
	done := heads.Seq(r.store.Ledger.Complete().Add(-margin))
	if err := r.db.HSet(ctx, r.key(), r.writer, strconv.FormatUint(done, 10)).Err(); err != nil {
		return fmt.Errorf("keep how far exchanges are counted: %w", err)
	}
	return nil
}
