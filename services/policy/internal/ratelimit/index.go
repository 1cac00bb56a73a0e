package ratelimit

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	policyv1 "sluice.dev/proto/gen/sluice/policy/v1"

	"sluice.dev/platform/redisdb"
)

//go:embed index.lua
var indexSource string

var indexScript = newScript(indexSource)

const (
	// maxListed is how many buckets of an endpoint are remembered for lists: those
	// that were used last.
	maxListed = 1000
	// maxNoted bounds the labels that wait to be written; more are dropped: their
	// proxies tell them again.
	maxNoted   = 8192
	indexEvery = 200 * time.Millisecond
)

// Index remembers in Redis what buckets are called, for as long as their counters
// live. It is written behind the decisions, never before them.
type Index struct {
	db    *redisdb.DB
	log   *slog.Logger
	mu    sync.Mutex
	noted map[string]map[string]*policyv1.RateLimitCheck // endpoint, bucket id
	count int
}

// NewIndex returns an index in db. Run makes it write.
func NewIndex(db *redisdb.DB, log *slog.Logger) *Index {
	return &Index{db: db, log: log, noted: map[string]map[string]*policyv1.RateLimitCheck{}}
}

// note remembers a check's label until it is written.
func (x *Index) note(check *policyv1.RateLimitCheck) {
	endpoint := check.GetLabel().GetEndpointId()
	if endpoint == "" {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	buckets := x.noted[endpoint]
	if buckets == nil {
		buckets = map[string]*policyv1.RateLimitCheck{}
		x.noted[endpoint] = buckets
	}
	id := digest(check.GetBucket())
	if _, known := buckets[id]; !known && x.count >= maxNoted {
		return
	} else if !known {
		x.count++
	}
	buckets[id] = &policyv1.RateLimitCheck{Bucket: check.GetBucket(), Capacity: check.GetCapacity(), Rate: check.GetRate(), Label: check.GetLabel()}
}

// Run writes what was noted until ctx ends.
func (x *Index) Run(ctx context.Context) error {
	tick := time.NewTicker(indexEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			x.write(ctx)
		}
	}
}

func (x *Index) write(ctx context.Context) {
	x.mu.Lock()
	noted := x.noted
	x.noted, x.count = map[string]map[string]*policyv1.RateLimitCheck{}, 0
	x.mu.Unlock()
	if len(noted) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	calls := make([]call, 0, len(noted))
	for endpoint, buckets := range noted {
		calls = append(calls, x.call(endpoint, buckets))
	}
	for _, reply := range run(ctx, x.db, calls) {
		if err := reply.Err(); err != nil {
			x.log.DebugContext(ctx, "labels of rate limit buckets are not written; lists miss them for a while", "error", err)
			return
		}
	}
}

func (x *Index) call(endpoint string, buckets map[string]*policyv1.RateLimitCheck) call {
	args := []any{maxListed}
	for id, check := range buckets {
		doc, err := proto.Marshal(check)
		if err != nil {
			continue // not UTF-8: nobody could read it
		}
		args = append(args, id, (2 * check.GetRate().AsDuration()).Milliseconds(), doc)
	}
	return call{script: indexScript, keys: []string{x.expiries(endpoint), x.labels(endpoint)}, args: args}
}

func (x *Index) expiries(endpoint string) string { return x.db.Spread("rl-expiries", endpoint) }

func (x *Index) labels(endpoint string) string { return x.db.Spread("rl-labels", endpoint) }

// digest is a bucket's name in an index: short whatever its length.
func digest(bucket string) string {
	sum := sha256.Sum256([]byte(bucket))
	return hex.EncodeToString(sum[:16])
}
