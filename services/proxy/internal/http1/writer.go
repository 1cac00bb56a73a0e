package http1

import (
	"errors"
	"io"
	"time"

	"sluice.dev/platform/message"
)

// Writer writes messages to a connection. It holds back a head until the first
// bytes of the body go with it in one write. Its buffer comes from a pool and goes
// back with each write. The zero Writer holds back all it is given until [Writer.To]
// says where to. A Writer is for one goroutine at a time; after an error the
// connection is of no use.
type Writer struct {
	dst    io.Writer
	mem    *[]byte // nil while nothing is held back
	off, n int     // (*mem)[off:n] is held back
}

// NewWriter returns a writer to dst.
func NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst} }

// To makes dst where what is held back, and all that follows, is written.
func (w *Writer) To(dst io.Writer) { w.dst = dst }

// Request holds back the head that [AppendRequest] makes.
func (w *Writer) Request(req *message.Request, to Server, f Framing, c Connection) error {
	head, err := AppendRequest(w.open(middleBuffer), req, to, f, c)
	return w.keep(head, err)
}

// Response holds back the head that [AppendResponse] makes.
func (w *Writer) Response(res *message.Response, f Framing, c Connection, now time.Time) error {
	head, err := AppendResponse(w.open(middleBuffer), res, f, c, now)
	return w.keep(head, err)
}

// Pending is what is held back. It is valid until the next call.
func (w *Writer) Pending() []byte {
	if w.mem == nil {
		return nil
	}
	return (*w.mem)[w.off:w.n]
}

// Discard drops what is held back.
func (w *Writer) Discard() {
	if w.mem != nil {
		giveBuffer(w.mem)
		w.mem, w.off, w.n = nil, 0, 0
	}
}

// Flush writes what is held back.
func (w *Writer) Flush() error {
	p := w.Pending()
	if len(p) == 0 {
		return nil
	}
	_, err := w.dst.Write(p)
	w.Discard()
	return err
}

// open is the buffer with what is held back, to append to.
func (w *Writer) open(size int) []byte {
	if w.mem == nil {
		w.mem = takeBuffer(size)
	}
	return (*w.mem)[:w.n]
}

// keep takes over what was appended to open's buffer.
func (w *Writer) keep(buf []byte, err error) error {
	if err != nil {
		return err
	}
	if cap(buf) > len(*w.mem) {
		giveBuffer(w.mem)
		buf = buf[:len(buf):cap(buf)]
		whole := buf[:cap(buf)]
		w.mem = &whole
	}
	w.n = len(buf)
	return nil
}

// SourceError says that a body could not be had whole from where it comes from.
type SourceError struct{ Cause error }

// Error is the cause's text.
func (e *SourceError) Error() string { return "the body broke off: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *SourceError) Unwrap() error { return e.Cause }

// ErrBodyTooLong says that a body has more bytes than its head announced. They were
// not sent.
var ErrBodyTooLong = errors.New("the body is longer than announced")
