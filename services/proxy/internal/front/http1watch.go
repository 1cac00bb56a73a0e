package front

import (
	"errors"
	"os"
	"sync"
	"time"
)

// watchAfter is how long a request is served before the client is watched: most
// are over by then, and watching takes a goroutine.
const watchAfter = 50 * time.Millisecond

// watch notices, while a request is being served, that its client has gone, and
// ends the connection's context. It reads ahead, so it must not run while a body is
// read.
type watch struct {
	conn  *http1Conn
	mu    sync.Mutex
	timer *time.Timer
	armed bool          // start was called, stop was not
	done  chan struct{} // closed by the goroutine that watches; nil while none does
}

// start begins the watch after a while.
func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = true
	if w.timer == nil {
		w.timer = time.AfterFunc(watchAfter, w.begin)
		return
	}
	w.timer.Reset(watchAfter)
}

// BodyEnded implements http1.Ender: from the end of a body on, reading is free for
// the watch.
func (w *watch) BodyEnded(whole bool) {
	if whole {
		w.start()
	}
}

// begin runs on the timer's goroutine and stays there until the watch ends.
func (w *watch) begin() {
	w.mu.Lock()
	if !w.armed || w.done != nil || w.conn.in.Buffered() > 0 {
		w.mu.Unlock() // with another request waiting there is no telling
		return
	}
	done := make(chan struct{})
	w.done = done
	_ = w.conn.nc.SetReadDeadline(time.Time{}) // fails only on a closed connection, as reading will
	w.mu.Unlock()
	defer close(done)
	if err := w.conn.in.Wait(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		w.conn.cancel()
	}
}

// stop ends the watch. When it returns, the connection may be read again.
func (w *watch) stop() {
	w.mu.Lock()
	w.armed = false
	done := w.done
	w.done = nil
	if w.timer != nil {
		w.timer.Stop()
	}
	w.mu.Unlock()
	if done == nil {
		return
	}
	_ = w.conn.nc.SetReadDeadline(longAgo) // fails only on a closed connection
	<-done
	w.conn.bounded = time.Time{}
	_ = w.conn.nc.SetReadDeadline(time.Time{}) // as above
}
