package http1

import (
	"bytes"
	"io"
)

// Reader reads messages from a connection. It keeps what came beyond the message
// that is being read, so messages may be pipelined. Its buffer comes from a pool
// and goes back whenever nothing is in it. A Reader is for one goroutine at a time.
type Reader struct {
	src    io.Reader
	limits Limits
	mem    *[]byte // nil while nothing is buffered
	r, w   int     // (*mem)[r:w] was read from src and not yet taken
}

// NewReader returns a reader of src.
func NewReader(src io.Reader, limits Limits) *Reader {
	return &Reader{src: src, limits: limits.withDefaults()}
}

// Buffered is the number of bytes that were read ahead.
func (r *Reader) Buffered() int { return r.w - r.r }

// Read takes what was read ahead, then reads from the connection: the way on
// after a switch of protocols.
func (r *Reader) Read(p []byte) (int, error) {
	if r.r == r.w {
		if len(p) >= smallBuffer {
			return r.src.Read(p)
		}
		if err := r.more(); err != nil {
			return 0, err
		}
	}
	n := copy(p, (*r.mem)[r.r:r.w])
	r.discard(n)
	return n, nil
}

// Wait returns once at least one byte is buffered. The error is the connection's;
// io.EOF means that the peer ended it between messages.
func (r *Reader) Wait() error {
	if r.r < r.w {
		return nil
	}
	return r.more()
}

// Peek returns the next n bytes, at most 4 KiB, and leaves them buffered. It waits
// until they have come. They are valid until the next call.
func (r *Reader) Peek(n int) ([]byte, error) {
	if err := r.wait(n); err != nil {
		return nil, err
	}
	return r.window()[:n], nil
}

// HasHead reports whether a whole head is buffered, so that reading it cannot wait.
func (r *Reader) HasHead() bool { return bytes.Contains(r.window(), headEnd) }

// Release gives the buffer back if nothing is in it.
func (r *Reader) Release() {
	if r.mem != nil && r.r == r.w {
		giveBuffer(r.mem)
		r.mem, r.r, r.w = nil, 0, 0
	}
}

// window is what was read ahead. It is valid until the next call of more.
func (r *Reader) window() []byte {
	if r.mem == nil {
		return nil
	}
	return (*r.mem)[r.r:r.w]
}

// discard takes n bytes of the window.
func (r *Reader) discard(n int) {
	r.r += n
	if r.r == r.w {
		r.r, r.w = 0, 0
		if len(*r.mem) > smallBuffer {
			r.Release() // one large head does not make the connection large
		}
	}
}

// more reads at least one byte from the connection, in a larger buffer if the one
// at hand is full.
func (r *Reader) more() error {
	switch {
	case r.mem == nil:
		r.mem = takeBuffer(smallBuffer)
	case r.r > 0 && r.w == len(*r.mem):
		r.w = copy(*r.mem, (*r.mem)[r.r:r.w])
		r.r = 0
	case r.w == len(*r.mem):
		larger := takeBuffer(4 * len(*r.mem))
		copy(*larger, *r.mem)
		giveBuffer(r.mem)
		r.mem = larger
	}
	for range 16 {
		n, err := r.src.Read((*r.mem)[r.w:])
		r.w += n
		switch {
		case n > 0:
			return nil // an error comes again with the next read
		case err != nil:
			r.Release()
			return err
		}
	}
	return io.ErrNoProgress
}

// unexpected is err where the peer must not end.
func unexpected(err error) error {
	if err == io.EOF { //nolint:errorlint // an io.Reader returns it bare
		return io.ErrUnexpectedEOF
	}
	return err
}
