package tap

import (
	"errors"
	"io"
	"sync"
	"time"

	"sluice.dev/platform/message"
)

// body is what is noted of a message body. A request body may be read on another
// goroutine than the one that serves the exchange, even past its end.
type body struct {
	mu      sync.Mutex
	keep    int // bytes of content that are kept
	content []byte
	size    uint64
	done    time.Time // when the end was read
	trailer message.Header
	stopped bool
}

func (b *body) note(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return
	}
	b.size += uint64(len(p))
	if room := b.keep - len(b.content); room > 0 {
		b.content = append(b.content, p[:min(room, len(p))]...)
	}
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

// tappedStream counts both directions of an upgraded connection.
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
