package limit

import (
	"hash/maphash"
	"sync"
	"time"

	"sluice.dev/platform/trafficpolicy"
)

// maxRemembered bounds what clients can make the proxy remember.
const maxRemembered = 1 << 16

const shards = 64

// buckets are those used last, in shards with a lock each.
type buckets struct {
	seed   maphash.Seed
	shards [shards]shard
}

// shard is a least-recently-used cache. ring.older is the bucket used last.
type shard struct {
	mu   sync.Mutex
	byID map[bucketID]*bucket
	ring bucket
}

func newBuckets() *buckets {
	bs := &buckets{seed: maphash.MakeSeed()}
	for i := range bs.shards {
		s := &bs.shards[i]
		s.byID = map[bucketID]*bucket{}
		s.ring.older, s.ring.newer = &s.ring, &s.ring
	}
	return bs
}

// take finds the query's bucket, which may be new, and decides from what is known.
func (bs *buckets) take(q *trafficpolicy.RateLimitQuery, now time.Time, timeout time.Duration) (*bucket, trafficpolicy.RateLimitVerdict, outcome, *check) {
	id := idOf(q)
	s := &bs.shards[(maphash.String(bs.seed, id.key)+maphash.String(bs.seed, id.endpoint))%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.byID[id]
	if b == nil {
		b = s.add(id, now)
	} else if s.ring.older != b {
		b.unlink()
		s.link(b)
	}
	v, how, c := b.take(now, timeout)
	return b, v, how, c
}

func (s *shard) add(id bucketID, now time.Time) *bucket {
	if len(s.byID) >= maxRemembered/shards {
		oldest := s.ring.newer
		oldest.unlink()
		delete(s.byID, oldest.id) // its leases end by their timers
	}
	b := &bucket{id: id, name: id.serviceName(), shard: s, demand: demand{since: now}}
	s.byID[id] = b
	s.link(b)
	return b
}

// link makes b the bucket used last.
func (s *shard) link(b *bucket) {
	b.newer, b.older = &s.ring, s.ring.older
	b.older.newer, s.ring.older = b, b
}

func (b *bucket) unlink() {
	b.newer.older, b.older.newer = b.older, b.newer
}
