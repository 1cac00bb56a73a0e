// Package ratelimit counts for all proxies together, by sliding windows in Redis.
//
// The promise: in no window of length rate are more than capacity permits of a
// bucket used, whatever the number of proxies and policy services. Refusals are
// not counted.
//
// A permit is used at some time before the end of its lease, and counts as used
// at that end. A bucket is a list of groups of permits. A group takes permits for
// rate/256 after its first one; their leases end within rate/128 of it; and all
// of it is held until rate after the last such end. So a permit is held for at
// least rate after its use, which keeps the promise, and for at most rate/128
// longer than that after it was taken, which costs a saturated bucket less than
// 1 % of its capacity. At most 258 groups are alive, which bounds a bucket to 4168
// bytes. All times are those of Redis's clock; one that is set back by no more
// than rate stands still instead. A proxy counts a lease from before it asked, so
// that by its clock it ends no later.
package ratelimit

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"sluice.dev/platform/redisdb"
)

//go:embed take.lua
var takeSource string

//go:embed give.lua
var giveSource string

var takeScript, giveScript = newScript(takeSource), newScript(giveSource)

// Bounds of a request.
const (
	maxCapacity = 2_000_000_000
	// maxRate keeps a group's span within 32 bits: it would be longer than 71
	// minutes only for windows of more than six days.
	maxRate = 6 * 24 * time.Hour
	minRate = time.Millisecond
)

// request asks for permits of one bucket.
type request struct {
	bucket   string
	capacity int64
	rate     time.Duration
	waiting  int           // permits for requests that wait
	further  int64         // permits for a lease, besides
	within   time.Duration // the permits will be used in this time
}

// grant is the answer to a request.
type grant struct {
	given      int           // to those that wait
	leased     int64         // besides
	held       int64         // in the window, those given included
	retryAfter time.Duration // until the next permit; 0 while some are left
	holdOff    time.Duration // until asking again makes sense; 0 while some are left
	at         time.Time     // by Redis's clock
	ends       time.Time     // by when the permits are used
	lease      uint64        // what names them when they are given back
	err        error
}

// giveBack returns permits of one lease.
type giveBack struct {
	bucket  string
	lease   uint64
	permits int64
}

// counter takes permits in Redis and gives them back.
type counter struct{ db *redisdb.DB }

// take answers all requests in one round trip. Each fails or succeeds on its own.
func (c counter) take(ctx context.Context, requests []request) []grant {
	calls := make([]call, len(requests))
	for i, r := range requests {
		calls[i] = call{script: takeScript, keys: []string{c.key(r.bucket)},
			args: []any{r.capacity, r.rate.Microseconds(), r.waiting, r.further, r.within.Microseconds()}}
	}
	grants := make([]grant, len(requests))
	for i, reply := range run(ctx, c.db, calls) {
		grants[i] = parseGrant(reply)
	}
	return grants
}

// give gives back, in one round trip that is never repeated: permits given back
// twice would be used twice. It returns how many were given back; others leave the
// window by their age.
func (c counter) give(ctx context.Context, back []giveBack) int64 {
	calls := make([]call, len(back))
	for i, b := range back {
		calls[i] = call{script: giveScript, keys: []string{c.key(b.bucket)}, args: []any{b.lease, b.permits}, once: true}
	}
	sum := int64(0)
	for _, reply := range run(ctx, c.db, calls) {
		if n, err := reply.Int64(); err == nil {
			sum += n
		}
	}
	return sum
}

func (c counter) key(bucket string) string { return counterKey(c.db, bucket) }

func counterKey(db *redisdb.DB, bucket string) string { return db.Spread("rl", bucket) }

func parseGrant(reply *redis.Cmd) grant {
	n, err := reply.Int64Slice()
	if err == nil && len(n) != 8 {
		err = fmt.Errorf("the rate limit script answered %v", n)
	}
	if err != nil {
		return grant{err: err}
	}
	return grant{
		given: int(n[0]), leased: n[1], held: n[2],
		retryAfter: time.Duration(n[3]) * time.Microsecond, holdOff: time.Duration(n[4]) * time.Microsecond,
		at: time.UnixMicro(n[5]), ends: time.UnixMicro(n[6]), lease: uint64(n[7]), // #nosec G115 -- a time after 1970
	}
}
