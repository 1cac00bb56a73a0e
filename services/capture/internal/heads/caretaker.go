package heads

import (
	"context"
	"log/slog"
	"time"
)

// inspection is how often the logs of writers that are gone are looked at.
const inspection = 30 * time.Second

// Rows finds the ends of stored logs.
type Rows interface {
	// Head returns the last stored sequence number of writer, at least after.
	Head(ctx context.Context, writer string, after uint64) (uint64, error)
	// Writers returns all that have rows.
	Writers(ctx context.Context) ([]string, error)
}

// Caretaker looks after the logs of writers that do not run any more. One that
// died after an insert and before it published leaves rows that nobody would ever
// read; their batch may since have been acknowledged by another process, to which
// it was sent again. The caretaker publishes them. Writers whose last row is
// older than the retention are forgotten.
type Caretaker struct {
	board     *Board
	rows      Rows
	self      string
	retention time.Duration
	log       *slog.Logger

	writers []string // found in the store
}

// NewCaretaker returns a caretaker that leaves the writer self alone.
func NewCaretaker(board *Board, rows Rows, self string, retention time.Duration, log *slog.Logger) *Caretaker {
	return &Caretaker{board: board, rows: rows, self: self, retention: retention, log: log}
}

// Run looks around from time to time until ctx ends.
func (c *Caretaker) Run(ctx context.Context) error {
	tick := time.NewTicker(inspection)
	defer tick.Stop()
	for {
		if err := c.Inspect(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("the logs of writers that are gone could not be looked at", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Inspect looks around once. The first time it looks for writers among the rows
// too: Redis may have forgotten them.
func (c *Caretaker) Inspect(ctx context.Context) error {
	heads, _ := c.board.Heads()
	if c.writers == nil {
		writers, err := c.rows.Writers(ctx)
		if err != nil {
			return err
		}
		c.writers = append([]string{}, writers...)
	}
	for _, writer := range c.writers {
		if _, known := heads[writer]; !known {
			heads[writer] = 0
		}
	}
	for writer, head := range heads {
		if writer == c.self {
			continue
		}
		if err := c.look(ctx, writer, head); err != nil {
			return err
		}
	}
	return nil
}

func (c *Caretaker) look(ctx context.Context, writer string, head uint64) error {
	alive, err := c.board.db.Exists(ctx, tenureKey(c.board.db, writer)).Result()
	if err != nil || alive == 1 {
		return err
	}
	last, err := c.rows.Head(ctx, writer, head)
	if err != nil {
		return err
	}
	if time.Since(Time(last)) > c.retention+24*time.Hour {
		c.board.forget(writer)
		return c.board.db.HDel(ctx, c.board.key(), writer).Err()
	}
	if last > head {
		c.log.Warn("a writer that is gone left rows unpublished", "writer", writer, "from", head, "to", last)
	}
	return c.board.Publish(ctx, writer, last)
}

// Sequence numbers are microseconds since 1970 when the batch was taken, or one
// more than the number before if the clock has not moved on. So they grow in the
// order of commit within a writer, and those of different writers lie close when
// their rows do.

// Seq is the least sequence number of a batch that is taken at t.
func Seq(t time.Time) uint64 { return uint64(max(t.UnixMicro(), 1)) }

// Time is about when a row got its sequence number.
func Time(seq uint64) time.Time { return time.UnixMicro(int64(min(seq, 1<<53))) } //nolint:gosec // bounded
