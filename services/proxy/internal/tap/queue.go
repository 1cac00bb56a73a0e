package tap

import "sync"

// Limits bound the records that wait in memory.
type Limits struct {
	Exchanges int
	Bytes     int
}

// item is what still has to be encoded: a finished recording, or a chunk of the body
// of one that runs.
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

// queue holds what waits: records that are encoded, in batches, and a ring of items
// whose encoding is left to the reader. Both together are bounded. It wakes its
// reader once per batch, not per record.
type queue struct {
	limits  Limits
	batch   Limits
	ready   chan struct{} // holds a token when a batch is full
	buffers sync.Pool     // of *[]byte, for batches

	mu      sync.Mutex
	open    *Batch   // takes records; nil when there are none
	full    []*Batch // oldest first
	encoded Limits   // what open and full have
	ring    []item
	first   int
	waiting Limits // what is in the ring
}

func newQueue(limits, batch Limits) *queue {
	return &queue{limits: limits, batch: batch, ready: make(chan struct{}, 1), ring: make([]item, limits.Exchanges)}
}

// hasRoom reports whether one more fits. Chunks leave a quarter of the room to records.
func (q *queue) hasRoom(size int, chunk bool) bool {
	count, bytes := q.limits.Exchanges, q.limits.Bytes
	if chunk {
		count, bytes = count-count/4, bytes-bytes/4
	}
	n := q.encoded.Exchanges + q.waiting.Exchanges
	return n < count && (n == 0 || q.encoded.Bytes+q.waiting.Bytes+size <= bytes)
}

// add takes an encoded exchange with parts of its bodies, as fields of a batch, or
// reports that there is no room.
func (q *queue) add(exchange, parts []byte) bool {
	q.mu.Lock()
	size := len(exchange) + len(parts)
	if !q.hasRoom(size, false) {
		q.mu.Unlock()
		return false
	}
	wake := false
	if q.open != nil && !q.open.hasRoom(q.batch, size) {
		q.full, q.open, wake = append(q.full, q.open), nil, true
	}
	if q.open == nil {
		q.open = q.newBatch()
	}
	before := len(q.open.Raw)
	q.open.Raw = append(q.open.Raw, parts...)
	q.open.add(exchange)
	q.encoded.Exchanges++
	q.encoded.Bytes += len(q.open.Raw) - before
	wake = wake || q.open.Exchanges >= uint64(q.batch.Exchanges) // #nosec G115 -- a limit is positive
	q.mu.Unlock()
	if wake {
		q.wake()
	}
	return true
}

// push takes an item, or reports that there is no room.
func (q *queue) push(i item) bool {
	q.mu.Lock()
	if !q.hasRoom(i.size, i.chunk != nil) {
		q.mu.Unlock()
		return false
	}
	q.ring[(q.first+q.waiting.Exchanges)%len(q.ring)] = i
	q.waiting.Exchanges++
	q.waiting.Bytes += i.size
	wake := q.hasFullBatch()
	q.mu.Unlock()
	if wake {
		q.wake()
	}
	return true
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// newBatch begins a batch in memory that another had.
func (q *queue) newBatch() *Batch {
	if raw, _ := q.buffers.Get().(*[]byte); raw != nil {
		return newBatch(*raw)
	}
	return newBatch(nil)
}

// reuse takes back the memory of a batch that nobody reads any more.
func (q *queue) reuse(b *Batch) {
	raw := b.Raw
	b.Raw = nil
	q.buffers.Put(&raw)
}

// take removes the oldest batch of encoded records; nil when there is none.
func (q *queue) take() *Batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.open
	if len(q.full) > 0 {
		b = q.full[0]
		q.full[0] = nil
		q.full = q.full[1:]
	} else {
		q.open = nil
	}
	if b != nil {
		q.encoded.Exchanges -= int(b.Exchanges) // #nosec G115 -- at most a limit
		q.encoded.Bytes -= len(b.Raw) - b.head
	}
	return b
}

// next removes the oldest item, if it fits into b.
func (q *queue) next(b *Batch) (i item, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting.Exchanges == 0 {
		return item{}, false
	}
	if i = q.ring[q.first]; !b.hasRoom(q.batch, i.size) {
		return item{}, false
	}
	q.ring[q.first] = item{}
	q.first = (q.first + 1) % len(q.ring)
	q.waiting.Exchanges--
	q.waiting.Bytes -= i.size
	return i, true
}

// left reports whether items wait.
func (q *queue) left() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting.Exchanges > 0
}

// overHalf reports whether more than half of the room is taken.
func (q *queue) overHalf() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.encoded.Exchanges+q.waiting.Exchanges > q.limits.Exchanges/2 || q.encoded.Bytes+q.waiting.Bytes > q.limits.Bytes/2
}

func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.encoded.Exchanges+q.waiting.Exchanges == 0
}

// fullBatch reports whether a whole batch waits.
func (q *queue) fullBatch() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.hasFullBatch()
}

func (q *queue) hasFullBatch() bool {
	return len(q.full) > 0 || q.encoded.Exchanges >= q.batch.Exchanges || q.waiting.Exchanges >= q.batch.Exchanges || q.waiting.Bytes >= q.batch.Bytes
}
