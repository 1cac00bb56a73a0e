package pipeline

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// replayLimit is how much of a request's body is kept while an internal endpoint
// is called, in bytes: enough for what a transport takes before it has a
// connection.
const replayLimit = 64 << 10

var errRevoked = errors.New("the call that this body was for has failed")

// keptBody keeps the beginning of what is read, so that after a failed call
// another can be made. A transport may read in a goroutine that outlives its call.
type keptBody struct {
	source io.ReadCloser

	mu      sync.Mutex
	kept    []byte
	lost    bool  // more was read than is kept
	end     error // of the source
	revoked bool
}

func (b *keptBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.revoked {
		return 0, errRevoked
	}
	if b.end != nil {
		return 0, b.end
	}
	n, err := b.source.Read(p)
	b.end = err
	if b.lost = b.lost || len(b.kept)+n > replayLimit; b.lost {
		b.kept = nil
		return n, err
	}
	b.kept = append(b.kept, p[:n]...)
	return n, err
}

func (b *keptBody) Close() error { return b.source.Close() }

// again is the whole body once more; b yields nothing from then on. It is not ok
// when too much was read, or a read is still going on.
func (b *keptBody) again() (body io.ReadCloser, ok bool) {
	if !b.mu.TryLock() {
		return nil, false
	}
	defer b.mu.Unlock()
	if b.lost {
		return nil, false
	}
	b.revoked = true
	rest := io.Reader(b.source)
	if b.end != nil {
		rest = ended{b.end}
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(b.kept), rest), b.source}, true
}

// ended is what is left of a source that has ended.
type ended struct{ err error }

func (e ended) Read([]byte) (int, error) { return 0, e.err }

// keepBody prepares the request for a call that another may follow.
func (x *exchange) keepBody() {
	if x.req.Body != nil && x.req.ContentLength != 0 {
		x.body = &keptBody{source: x.req.Body}
		x.req.Body = x.body
	}
}

// restoreBody makes the request as it was before a call that failed, and reports
// whether that was possible.
func (x *exchange) restoreBody() bool {
	if x.body == nil {
		return true
	}
	body, ok := x.body.again()
	if ok {
		x.req.Body, x.body = body, nil
	}
	return ok
}
