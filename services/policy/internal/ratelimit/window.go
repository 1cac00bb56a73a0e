// Package ratelimit counts for all proxies together, by sliding windows in Redis.
//
// The promise: in no window of length rate are more than capacity permits of a
// bucket given, whatever the number of proxies and policy services. Refusals are
// not counted.
//
// A bucket is a list of groups of permits. A group takes permits for rate/128
// after its first one, and all of it is held until rate after its last one. So a
// permit is held for at least rate, which keeps the promise, and for less than
// rate/128 longer, which costs a saturated bucket less than 1 % of its capacity.
// At most 129 groups are alive, which bounds a bucket to 2088 bytes. All times
// are those of Redis's clock; one that is set back by no more than rate stands
// still instead.
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

var takeScript = redis.NewScript(takeSource)

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
	wanted   int
}

// grant is the answer to a request.
type grant struct {
	given      int           // how many of those wanted
	held       int64         // in the window, those given included
	retryAfter time.Duration // until the next permit, when not all were given
	at         time.Time     // by Redis's clock
	err        error
}

// counter takes permits in Redis.
type counter struct{ db *redisdb.DB }

// take answers all requests in one round trip (a second one when Redis does not
// know the script yet). Each request fails or succeeds on its own.
func (c counter) take(ctx context.Context, requests []request) []grant {
	grants := make([]grant, len(requests))
	unknown := c.run(ctx, requests, grants, nil, false)
	if len(unknown) > 0 {
		c.run(ctx, requests, grants, unknown, true)
	}
	return grants
}

// run sends requests, all or only those of the given indexes, and returns the
// indexes of those for which Redis does not have the script.
func (c counter) run(ctx context.Context, requests []request, grants []grant, only []int, source bool) (unknown []int) {
	pipe := c.db.Pipeline()
	if only == nil {
		only = make([]int, len(requests))
		for i := range requests {
			only[i] = i
		}
	}
	replies := make([]*redis.Cmd, len(only))
	for n, i := range only {
		r := requests[i]
		keys := []string{c.db.Spread("rl", r.bucket)}
		if source {
			replies[n] = pipe.Eval(ctx, takeSource, keys, r.capacity, r.rate.Microseconds(), r.wanted)
		} else {
			replies[n] = pipe.EvalSha(ctx, takeScript.Hash(), keys, r.capacity, r.rate.Microseconds(), r.wanted)
		}
	}
	_, _ = pipe.Exec(ctx) // each reply has its own error
	for n, i := range only {
		grants[i] = parseGrant(replies[n])
		if redis.HasErrorPrefix(grants[i].err, "NOSCRIPT") {
			unknown = append(unknown, i)
		}
	}
	return unknown
}

func parseGrant(reply *redis.Cmd) grant {
	n, err := reply.Int64Slice()
	if err == nil && len(n) != 4 {
		err = fmt.Errorf("the rate limit script answered %v", n)
	}
	if err != nil {
		return grant{err: err}
	}
	return grant{given: int(n[0]), held: n[1], retryAfter: time.Duration(n[2]) * time.Microsecond, at: time.UnixMicro(n[3])}
}
