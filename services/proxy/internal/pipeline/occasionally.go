package pipeline

import (
	"sync/atomic"
	"time"
)

// sayEvery is how often the log tells of something that clients can cause with
// every request.
const sayEvery = 10 * time.Second

// occasionally keeps one kind of log line rare.
type occasionally struct{ last atomic.Int64 }

// again reports whether it is time to say it again.
func (o *occasionally) again() bool {
	now := time.Now().UnixNano()
	last := o.last.Load()
	return now-last >= int64(sayEvery) && o.last.CompareAndSwap(last, now)
}
