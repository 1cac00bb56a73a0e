// Package heads keeps how far the log of each capture writer is committed: the
// sequence number up to which its rows may be read. It is in Redis, so that every
// capture process can serve the log of all of them, and readers wake up by
// Redis's publish and subscribe.
//
// The rows themselves are in ClickHouse; if Redis loses the heads, writers
// publish them again.
package heads

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/redisdb"
)

// poll is how often heads are read when no wake-up came: publish and subscribe
// may lose messages.
const poll = time.Second

// Board shows the heads of all writers.
type Board struct {
	db  *redisdb.DB
	log *slog.Logger

	mu      sync.Mutex
	heads   map[string]uint64
	own     map[string]uint64 // published by this process
	changed chan struct{}     // closed at the next change
}

// NewBoard returns a board that shows nothing until Run has read it.
func NewBoard(db *redisdb.DB, log *slog.Logger) *Board {
	return &Board{db: db, log: log, heads: map[string]uint64{}, own: map[string]uint64{}, changed: make(chan struct{})}
}

func (b *Board) key() string { return b.db.Key("capture", "committed") }

// Heads returns the committed sequence number of each writer, and a channel that
// is closed when one of them has moved.
func (b *Board) Heads() (map[string]uint64, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.heads), b.changed
}

// raise sets a head that never goes back, and wakes readers. Sequence numbers are
// below 2^53, which Lua's numbers hold exactly.
var raise = redis.NewScript(`
local now = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '-1')
if tonumber(ARGV[2]) > now then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('PUBLISH', KEYS[1], ARGV[1])
end
return 1`)

// Publish commits the writer's log up to seq. When it returns nil every reader
// will see it.
func (b *Board) Publish(ctx context.Context, writer string, seq uint64) error {
	if err := raise.Run(ctx, b.db, []string{b.key()}, writer, strconv.FormatUint(seq, 10)).Err(); err != nil {
		return fmt.Errorf("publish the committed sequence number: %w", err)
	}
	b.merge(map[string]uint64{writer: seq})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.own[writer] = max(b.own[writer], seq)
	return nil
}

// Refresh reads the heads from Redis, and publishes what this process did publish
// once more if Redis has lost it.
func (b *Board) Refresh(ctx context.Context) error {
	raw, err := b.db.HGetAll(ctx, b.key()).Result()
	if err != nil {
		return fmt.Errorf("read the committed sequence numbers: %w", err)
	}
	heads := make(map[string]uint64, len(raw))
	for writer, text := range raw {
		if seq, err := strconv.ParseUint(text, 10, 64); err == nil {
			heads[writer] = seq
		}
	}
	b.merge(heads)
	for writer, seq := range b.lost(heads) {
		if err := b.Publish(ctx, writer, seq); err != nil {
			return err
		}
	}
	return nil
}

func (b *Board) lost(heads map[string]uint64) map[string]uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	lost := maps.Clone(b.own)
	maps.DeleteFunc(lost, func(writer string, seq uint64) bool { return heads[writer] >= seq })
	return lost
}

func (b *Board) merge(heads map[string]uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	moved := false
	for writer, seq := range heads {
		if old, ok := b.heads[writer]; !ok || seq > old {
			b.heads[writer], moved = seq, true
		}
	}
	if moved {
		close(b.changed)
		b.changed = make(chan struct{})
	}
}

func (b *Board) forget(writer string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.heads, writer)
	delete(b.own, writer)
}

// Run follows Redis until ctx ends. While Redis is away it keeps what it knows.
func (b *Board) Run(ctx context.Context) error {
	sub := b.db.Subscribe(ctx, b.key())
	defer sub.Close()
	wake := sub.Channel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	away := false
	for {
		err := b.refresh(ctx)
		if away != (err != nil) && ctx.Err() == nil {
			away = err != nil
			b.log.Warn("Redis changed state", "away", away, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-wake:
		}
	}
}

func (b *Board) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return b.Refresh(ctx)
}
