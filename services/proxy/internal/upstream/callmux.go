package upstream

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"time"

	"sluice.dev/platform/message"
)

// callMux calls by net/http.
func (p *Pool) callMux(ctx context.Context, mux *http.Transport, u *Upstream, m *member, req *message.Request, info Informational, call *Call) (*message.Response, error) {
	timeouts := p.timeouts(u)
	w := watch(ctx, timeouts.FirstByte)
	d := &dialing{timeout: timeouts.Connect}
	relay := &relay{info: info}
	defer relay.stop()
	traced := relay.trace(context.WithValue(w.ctx, dialingKey{}, d), w)
	out, err := outgoing(traced, m.Target, req)
	if err != nil {
		w.end()
		return nil, err
	}
	res, err := mux.RoundTrip(out) //nolint:bodyclose // the caller closes it, wrapped in the response
	began, reused, connected := w.answered()
	call.Reused, call.begun = reused, connected
	if !reused {
		d.mu.Lock()
		call.Connect, call.TLSHandshake = d.connect, d.tls
		d.mu.Unlock()
	}
	if err != nil {
		w.end()
		return nil, w.why(err)
	}
	if m.Scheme == "https" && !u.http2 && strings.HasPrefix(res.Proto, "HTTP/1") {
		m.plainTLS.Store(true)
	}
	answer := incoming(res, w, timeouts.Pause)
	if call.FirstByte = 0; !began.IsZero() {
		call.FirstByte = answer.Received.Sub(began)
	}
	return answer, nil
}

// errSlow is why a call was ended that took too long.
var errSlow = os.ErrDeadlineExceeded

// watcher ends a call of net/http that waits for too long.
type watcher struct {
	ctx       context.Context
	cancel    context.CancelCauseFunc
	firstByte time.Duration

	mu        sync.Mutex
	timer     *time.Timer // nil while nothing is waited for
	sent      time.Time   // the request
	reused    bool        // the connection
	connected bool
	done      bool // the response's head has come
}

func watch(ctx context.Context, firstByte time.Duration) *watcher {
	ctx, cancel := context.WithCancelCause(ctx)
	return &watcher{ctx: ctx, cancel: cancel, firstByte: firstByte}
}

func (w *watcher) gotConn(i httptrace.GotConnInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reused, w.connected = i.Reused, true
}

// wrote is told that the request was sent: now the response is due.
func (w *watcher) wrote(info httptrace.WroteRequestInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if info.Err != nil || w.done {
		return
	}
	w.sent = time.Now()
	if w.firstByte > 0 && w.timer == nil {
		w.timer = time.AfterFunc(w.firstByte, func() { w.cancel(errSlow) })
	}
}

// answered ends the wait for the response.
func (w *watcher) answered() (sent time.Time, reused, connected bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	if w.timer != nil {
		w.timer.Stop()
	}
	return w.sent, w.reused, w.connected
}

// why is err, or the watcher's reason for it.
func (w *watcher) why(err error) error {
	if errors.Is(context.Cause(w.ctx), errSlow) {
		return errSlow
	}
	return err
}

// end frees what the call holds.
func (w *watcher) end() { w.cancel(context.Canceled) }
