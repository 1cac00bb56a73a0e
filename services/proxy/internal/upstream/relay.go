package upstream

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"

	"sluice.dev/platform/message"
)

// relay passes on 1xx responses while the call waits for the final one. The
// transport reads on another goroutine, which may outlive a cancelled call.
type relay struct {
	mu      sync.Mutex
	info    Informational
	stopped bool
}

func (r *relay) trace(ctx context.Context, w *watcher) context.Context {
	trace := &httptrace.ClientTrace{GotConn: w.gotConn, WroteRequest: w.wrote}
	if r.info != nil {
		trace.Got1xxResponse = r.pass
	}
	return httptrace.WithClientTrace(ctx, trace)
}

func (r *relay) pass(code int, header textproto.MIMEHeader) error {
	var h message.Header
	appendEndToEnd(&h, http.Header(header))
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.info(code, h)
	}
	return nil
}

func (r *relay) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
}
