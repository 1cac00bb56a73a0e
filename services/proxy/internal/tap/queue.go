package tap

import "sync"

// Limits bound the records that wait in memory.
type Limits struct {
	Exchanges int
	Bytes     int
}

// queue is a bounded ring of finished recordings. It wakes its reader once per
// batch, not per record.
type queue struct {
	limits Limits
	batch  Limits
	ready  chan struct{} // holds a token when a batch is full or half the ring is

	mu    sync.Mutex
	ring  []*Recording
	first int
	count int
	bytes int
}

func newQueue(limits, batch Limits) *queue {
	return &queue{limits: limits, batch: batch, ready: make(chan struct{}, 1), ring: make([]*Recording, limits.Exchanges)}
}

// push adds r, or reports that there is no room.
func (q *queue) push(r *Recording) bool {
	q.mu.Lock()
	if q.count == len(q.ring) || q.count > 0 && q.bytes+r.size > q.limits.Bytes {
		q.mu.Unlock()
		return false
	}
	q.ring[(q.first+q.count)%len(q.ring)] = r
	q.count++
	q.bytes += r.size
	wake := q.count >= q.batch.Exchanges || q.bytes >= q.batch.Bytes
	q.mu.Unlock()
	if wake {
		select {
		case q.ready <- struct{}{}:
		default:
		}
	}
	return true
}

// take removes the oldest records, at most a batch. A record larger than a batch
// comes alone.
func (q *queue) take() []*Recording {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []*Recording
	for bytes := 0; q.count > 0 && len(out) < q.batch.Exchanges; q.count-- {
		r := q.ring[q.first]
		if len(out) > 0 && bytes+r.size > q.batch.Bytes {
			break
		}
		bytes += r.size
		q.bytes -= r.size
		out = append(out, r)
		q.ring[q.first] = nil
		q.first = (q.first + 1) % len(q.ring)
	}
	return out
}

// overHalf reports whether more than half of the room is taken.
func (q *queue) overHalf() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count > len(q.ring)/2 || q.bytes > q.limits.Bytes/2
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count == 0
}

// fullBatch reports whether a whole batch waits.
func (q *queue) fullBatch() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count >= q.batch.Exchanges || q.bytes >= q.batch.Bytes
}
