// Package lease lets one of several replicas do a job: it holds a key in Redis
// for as long as the job runs. Each holder gets a fencing token, greater than all
// before it, which the scripts that store the job's results check, so that a
// holder that was cut off cannot store anything after its successor began. What a
// holder does outside Redis is not fenced.
package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/redisdb"
)

// TTL is how long after a crash a job waits for its next holder, at most.
const TTL = 6 * time.Second

// ErrLost says that a result was not stored because the lease had gone to another.
var ErrLost = errors.New("the lease was lost to another replica")

var (
	acquire = redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
return token`)
	renew = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)
	release = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)
)

// Lease is a job's place among replicas.
type Lease struct {
	db    *redisdb.DB
	log   *slog.Logger
	key   string
	fence string
	ttl   time.Duration
}

// New returns the lease of a job. It does no I/O.
func New(db *redisdb.DB, log *slog.Logger, job string) *Lease {
	return &Lease{db: db, log: log, key: Key(db, job), fence: db.Key("lease", "fence"), ttl: TTL}
}

// Key is the Redis key of a job's lease. It holds the token of the holder.
func Key(db *redisdb.DB, job string) string { return db.Key("lease", "of", job) }

// Hold waits for the lease, again and again, and runs work whenever it has it,
// until ctx ends. The context of work ends when the lease is lost; when work
// returns while the lease is held, it starts again after a pause.
func (l *Lease) Hold(ctx context.Context, work func(ctx context.Context, token int64)) {
	for ctx.Err() == nil {
		if err := l.once(ctx, work); err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "a lease cannot be taken", "lease", l.key, "error", err)
		}
		sleep(ctx, l.ttl/6)
	}
}

func (l *Lease) once(ctx context.Context, work func(context.Context, int64)) error {
	asked := time.Now()
	token, err := acquire.Run(ctx, l.db, []string{l.key, l.fence}, l.ttl.Milliseconds()).Int64()
	if err != nil {
		return fmt.Errorf("take the lease: %w", err)
	}
	if token == 0 {
		return nil // another has it
	}
	held, lose := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.keep(held, lose, token, asked)
	}()
	work(held, token)
	lose()
	<-done
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return release.Run(end, l.db, []string{l.key}, token).Err()
}

// keep renews until ctx ends, and calls lose when the lease is gone or may be.
func (l *Lease) keep(ctx context.Context, lose func(), token int64, sure time.Time) {
	for sleep(ctx, l.ttl/6) {
		asked := time.Now()
		attempt, cancel := context.WithTimeout(ctx, l.ttl/3)
		kept, err := renew.Run(attempt, l.db, []string{l.key}, token, l.ttl.Milliseconds()).Bool()
		cancel()
		switch {
		case err == nil && kept:
			sure = asked
		case err == nil, time.Since(sure) > l.ttl*2/3:
			lose()
			return
		}
	}
}

// sleep reports whether ctx still runs after d.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
