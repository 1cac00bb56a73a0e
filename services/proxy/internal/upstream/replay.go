package upstream

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"sluice.dev/platform/message"
)

// ReplayLimit is how much of a request's body is kept while it may have to be sent
// again, in bytes.
const ReplayLimit = 64 << 10

var errRevoked = errors.New("the call that this body was for has failed")

// KeptBody is the body of a request that may be sent again. It keeps the beginning
// of what is read. A transport may read in a goroutine that outlives its call. A nil
// KeptBody is that of a request without one.
type KeptBody struct {
	source io.ReadCloser

	mu      sync.Mutex
	kept    []byte
	lost    bool  // more was read than is kept
	end     error // of the source
	revoked bool
}

// KeepBody prepares req for a call that another may follow.
func KeepBody(req *message.Request) *KeptBody {
	if req.Body == nil || req.ContentLength == 0 {
		return nil
	}
	b := &KeptBody{source: req.Body}
	req.Body = b
	return b
}

// Restore makes req as it was before a call that failed, and reports whether that
// was possible: it is not when too much was read, or a read is still going on.
func (b *KeptBody) Restore(req *message.Request) bool {
	if b == nil {
		return true
	}
	body, ok := b.again()
	if ok {
		req.Body = body
	}
	return ok
}

// Read implements io.Reader.
func (b *KeptBody) Read(p []byte) (int, error) {
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
	if b.lost = b.lost || len(b.kept)+n > ReplayLimit; b.lost {
		b.kept = nil
		return n, err
	}
	b.kept = append(b.kept, p[:n]...)
	return n, err
}

// Close implements io.Closer.
func (b *KeptBody) Close() error { return b.source.Close() }

// whole reports whether all that was read is kept.
func (b *KeptBody) whole() bool {
	if b == nil {
		return true
	}
	if !b.mu.TryLock() {
		return false // a read is going on
	}
	defer b.mu.Unlock()
	return !b.lost
}

// again is the whole body once more; b yields nothing from then on.
func (b *KeptBody) again() (body io.ReadCloser, ok bool) {
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

// Ready is a hint: whether Read can likely return without waiting.
func (b *KeptBody) Ready() bool {
	source, ok := b.source.(interface{ Ready() bool })
	return ok && source.Ready()
}
