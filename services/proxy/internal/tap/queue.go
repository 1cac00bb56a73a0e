package tap

import "sync"

// Limits bound the records that wait in memory.
type Limits struct {
	Exchanges int
	Bytes     int
}

// item is what waits: a finished recording, or a chunk of the body of one that
// runs.
type item struct {
	record *Recording
	chunk  *chunk
	size   int // about what it takes in memory
}

// chunk is a stretch of a body, in the order of the body.
type chunk struct {
	body  *body
	data  []byte
	limit int // of the body
}

// queue is a bounded ring of items. It wakes its reader once per batch, not per
// record.
type queue struct {
	limits Limits
	batch  Limits
	ready  chan struct{} // holds a token when a batch is full or half the ring is

	mu    sync.Mutex
	ring  []item
	first int
	count int
	bytes int
}

func newQueue(limits, batch Limits) *queue {
	return &queue{limits: limits, batch: batch, ready: make(chan struct{}, 1), ring: make([]item, limits.Exchanges)}
}

// push adds i, or reports that there is no room. Chunks leave a quarter of the room
// to records.
func (q *queue) push(i item) bool {
	q.mu.Lock()
	bytes, count := q.limits.Bytes, len(q.ring)
	if i.chunk != nil {
		bytes, count = bytes-bytes/4, count-count/4
	}
	if q.count >= count || q.count > 0 && q.bytes+i.size > bytes {
		q.mu.Unlock()
		return false
	}
	q.ring[(q.first+q.count)%len(q.ring)] = i
	q.count++
	q.bytes += i.size
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

// take removes the oldest items, at most a batch. A record larger than a batch
// comes alone.
func (q *queue) take() []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []item
	for bytes := 0; q.count > 0 && len(out) < q.batch.Exchanges; q.count-- {
		i := q.ring[q.first]
		if len(out) > 0 && bytes+i.size > q.batch.Bytes {
			break
		}
		bytes += i.size
		q.bytes -= i.size
		out = append(out, i)
		q.ring[q.first] = item{}
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
