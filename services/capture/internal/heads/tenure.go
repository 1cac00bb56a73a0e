package heads

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/id"
	"sluice.dev/platform/redisdb"
)

// The times of a tenure. A writer that could not renew for fence begins no insert;
// one insert takes at most insertLimit (30 s, package store); so when a tenure has
// lapsed nothing of its writer is on its way any more.
const (
	lapse = 75 * time.Second
	fence = 30 * time.Second
	renew = 5 * time.Second
	// settle is how long an insert of a process that was killed may still run.
	settle = 2 * time.Second
)

// Tenure is this process's right to write the log of a writer. It tells the
// other processes that the writer lives, and notices a second process that is
// configured with the same writer id.
type Tenure struct {
	db     *redisdb.DB
	log    *slog.Logger
	writer string
	token  string

	mu      sync.Mutex
	renewed time.Time
	lost    bool
}

// NewTenure returns a tenure that is not held yet.
func NewTenure(db *redisdb.DB, writer string, log *slog.Logger) *Tenure {
	return &Tenure{db: db, writer: writer, log: log, token: id.Prefix("run").New()}
}

func tenureKey(db *redisdb.DB, writer string) string { return db.Key("capture", "writer", writer) }

// Claim takes the tenure from whoever had it. A process that was killed leaves its
// own behind: then Claim waits until nothing it sent can still be running.
func (t *Tenure) Claim(ctx context.Context) error {
	before, err := t.db.SetArgs(ctx, tenureKey(t.db, t.writer), t.token, redis.SetArgs{TTL: lapse, Get: true}).Result()
	if err != nil && err != redis.Nil { //nolint:errorlint // go-redis returns Nil itself
		return fmt.Errorf("claim the writer id %s: %w", t.writer, err)
	}
	t.mark(true)
	if before == "" || before == t.token {
		return nil
	}
	select {
	case <-time.After(settle):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Held reports whether the process may insert: it has renewed lately, and nobody
// else has claimed the writer id.
func (t *Tenure) Held() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.lost && time.Since(t.renewed) < fence
}

// Lost reports whether another process claimed the writer id.
func (t *Tenure) Lost() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost
}

func (t *Tenure) mark(held bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if held {
		t.renewed = time.Now()
		return
	}
	t.lost = true
}

// Run renews until ctx ends, and then gives the tenure back.
func (t *Tenure) Run(ctx context.Context) error {
	tick := time.NewTicker(renew)
	defer tick.Stop()
	defer t.release(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if t.Lost() {
			continue
		}
		held, err := t.extend(ctx)
		switch {
		case err != nil:
			t.log.Warn("the writer id could not be renewed", "writer", t.writer, "error", err)
		case !held:
			t.log.Error("another process uses the writer id; give each capture process its own", "writer", t.writer)
			fallthrough
		default:
			t.mark(held)
		}
	}
}

var extend = redis.NewScript(`
local now = redis.call('GET', KEYS[1])
if now and now ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

func (t *Tenure) extend(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	n, err := extend.Run(ctx, t.db, []string{tenureKey(t.db, t.writer)}, t.token, lapse.Milliseconds()).Int()
	return n == 1, err
}

var release = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)

func (t *Tenure) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := release.Run(ctx, t.db, []string{tenureKey(t.db, t.writer)}, t.token).Err(); err != nil {
		t.log.Warn("the writer id could not be given back", "writer", t.writer, "error", err)
	}
}
