package limit

import (
	"sync/atomic"
	"time"
)

// probeEvery is how often one request tries whether the counter answers again.
const probeEvery = 100 * time.Millisecond

// outage lets only a few requests wait for a counter that does not answer: from
// the first that waited in vain until the next answer, one each probeEvery.
type outage struct {
	probeAt  atomic.Int64 // Unix nanoseconds; 0 while the counter answers
	answered atomic.Int64 // when it last did
}

// mayAsk says whether to ask now.
func (o *outage) mayAsk(now time.Time) bool {
	at := o.probeAt.Load()
	return at == 0 || now.UnixNano() >= at && o.probeAt.CompareAndSwap(at, now.Add(probeEvery).UnixNano())
}

// answer notes that the counter answered.
func (o *outage) answer(now time.Time) {
	o.answered.Store(now.UnixNano())
	if o.probeAt.Load() != 0 {
		o.probeAt.Store(0)
	}
}

// silence notes that a check of then got no answer by now.
func (o *outage) silence(then, now time.Time) {
	if o.answered.Load() < then.UnixNano() {
		o.probeAt.Store(now.Add(probeEvery).UnixNano())
	}
}
