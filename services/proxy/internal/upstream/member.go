package upstream

import (
	"hash/fnv"
	"sync/atomic"
	"time"
)

// member is a target with what is known of it.
type member struct {
	*Target
	seed      uint64       // of its place for client addresses; the same on every proxy
	active    atomic.Int64 // requests in flight, when they are counted
	unhealthy atomic.Bool  // says the health check
	plainTLS  atomic.Bool  // it negotiated HTTP/1.1 over TLS

	failures     atomic.Int32 // of requests, in a row
	ejections    atomic.Int32 // in a row, no request succeeding between them
	ejectedUntil atomic.Int64 // unix nanoseconds; 0: not ejected
}

func newMember(t *Target) *member {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.String())) // never fails
	return &member{Target: t, seed: h.Sum64()}
}

func (m *member) ejected(now time.Time) bool {
	until := m.ejectedUntil.Load()
	return until != 0 && now.UnixNano() < until
}

// take counts one more request in flight, if limit allows it; 0 means no limit.
func (m *member) take(limit int64) bool {
	if n := m.active.Add(1); limit > 0 && n > limit {
		m.active.Add(-1)
		return false
	}
	return true
}
