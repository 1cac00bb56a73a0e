package tap

import (
	"errors"
	"io"
	"sync"
	"time"

	"sluice.dev/platform/message"
)

// Bounds of a body that is being recorded, in bytes.
const (
	inlineSize  = 16 << 10 // of it travel with the exchange; the rest in parts
	chunkSize   = 64 << 10 // are handed on at once while the exchange runs
	lookahead   = 1 << 10  // beyond the limit are looked at: a secret may begin before it
	heldLimit   = 1 << 20  // wait for the end, when it is open whether it is recorded
	codedLimit  = 8 << 20  // of a content with a coding, which is looked at as a whole
	partSize    = 256 << 10
	decodeLimit = 16 << 20 // of what a coding hides
)

// parser finds messages in a stream.
type parser interface{ feed(p []byte) }

// body is what is noted of a message body. A request body may be read on another
// goroutine than the one that serves the exchange, even past its end.
type body struct {
	tap     *Tap
	record  *Recording
	request bool // or the response's

	mu      sync.Mutex
	limit   int  // bytes that are kept
	stream  bool // chunks are handed on while the exchange runs
	coded   bool // the content has a coding
	parser  parser
	content []byte // not handed on yet
	taken   uint64 // bytes from the beginning that were kept
	charged int    // bytes of content that the tap knows of
	chunks  int    // that were handed on
	lost    bool   // some of what is within the limit
	size    uint64
	done    time.Time // when the end was read
	trailer message.Header
	stopped bool

	kept kept // on the shipper's side
}

// configure says what is kept from now on. newParser may be nil.
func (b *body) configure(limit int, stream bool, newParser func() parser) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if newParser != nil && b.parser == nil && b.size == 0 {
		b.parser = newParser()
	}
	b.limit, b.stream = limit, stream && !b.coded
	if uint64(limit) < b.taken && b.chunks == 0 { // #nosec G115 -- a limit is positive
		keep := min(len(b.content), limit)
		b.content, b.taken = b.content[:keep], uint64(keep) // #nosec G115 -- a length
	}
}

func (b *body) note(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return
	}
	before := b.size
	b.size += uint64(len(p))
	if b.parser != nil {
		b.parser.feed(p)
	}
	if b.limit == 0 || b.lost {
		return
	}
	room := b.limit + lookahead - int(b.taken) // #nosec G115 -- at most the limit and some
	switch {
	case room <= 0:
	case b.taken != before:
		b.lost = true // recorded only from here on: a beginning is missing
	default:
		b.take(p[:min(room, len(p))])
	}
}

// take keeps p, within what all bodies together may take.
func (b *body) take(p []byte) {
	if over := len(b.content) + len(p) - inlineSize - lookahead; over > b.charged {
		if !b.tap.charge(over - b.charged) {
			b.lose()
			return
		}
		b.charged = over
	}
	b.content = append(b.content, p...)
	b.taken += uint64(len(p))
	switch {
	case b.stream && len(b.content) >= chunkSize:
		b.handOn()
	case !b.stream && b.coded && len(b.content) > codedLimit, !b.stream && !b.coded && len(b.content) > heldLimit:
		b.lose()
	}
}

// handOn queues what is there.
func (b *body) handOn() {
	c := &chunk{body: b, data: b.content, limit: b.limit}
	b.release()
	b.content = make([]byte, 0, chunkSize+chunkSize/2)
	if !b.tap.queue.push(item{chunk: c, size: len(c.data) + overhead}) {
		b.taken -= uint64(len(c.data))
		b.lose()
		return
	}
	b.chunks++
}

// lose gives up the rest.
func (b *body) lose() {
	b.lost = true
	b.tap.ledger.LostPart()
}

func (b *body) release() {
	b.tap.charge(-b.charged)
	b.charged = 0
}

func (b *body) handed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.chunks > 0
}

func (b *body) finish(trailer message.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stopped {
		b.done, b.trailer = time.Now(), withValues(trailer)
	}
}

// withValues leaves out trailers that were announced and not sent.
func withValues(h message.Header) message.Header {
	var out message.Header
	for _, f := range h {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

// stop freezes the notes: the record is about to be read.
func (b *body) stop() {
	b.mu.Lock()
	b.stopped = true
	b.release()
	b.mu.Unlock()
}

// tappedBody notes what is read through it.
type tappedBody struct {
	source  io.ReadCloser
	into    *body
	trailer *message.Header // filled by source at its end
}

func (t *tappedBody) Read(p []byte) (int, error) {
	n, err := t.source.Read(p)
	if n > 0 {
		t.into.note(p[:n])
	}
	if errors.Is(err, io.EOF) {
		t.into.finish(*t.trailer)
	}
	return n, err
}

func (t *tappedBody) Close() error { return t.source.Close() }

// Ready is a hint: whether Read can likely return without waiting. It lets a head
// and a body that is there already go out together.
func (t *tappedBody) Ready() bool {
	source, ok := t.source.(interface{ Ready() bool })
	return ok && source.Ready()
}

// tappedStream notes both directions of an upgraded connection.
type tappedStream struct {
	io.ReadWriteCloser
	record *Recording
}

func (s *tappedStream) Read(p []byte) (int, error) {
	n, err := s.ReadWriteCloser.Read(p)
	s.record.resBody.note(p[:n])
	return n, err
}

func (s *tappedStream) Write(p []byte) (int, error) {
	n, err := s.ReadWriteCloser.Write(p)
	s.record.reqBody.note(p[:n])
	return n, err
}

// CloseWrite ends the direction to the upstream, where it can be ended alone.
func (s *tappedStream) CloseWrite() error {
	if half, ok := s.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return s.Close()
}
