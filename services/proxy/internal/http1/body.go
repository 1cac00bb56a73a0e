package http1

import (
	"errors"
	"io"
	"time"

	"sluice.dev/platform/message"
)

// errClosed is what reading a closed body returns.
var errClosed = errors.New("http1: read of a closed body")

// Body reads one message's body. Its end is io.EOF, as early as it is known: with
// the last bytes, if what follows them has arrived. A connection that ends too
// early is io.ErrUnexpectedEOF, a malformed body an *Error. A Body is for one
// goroutine at a time.
type Body struct {
	src     *Reader
	framing Framing
	left    int64 // bytes of the body or of the chunk still to come
	chunks  chunks
	trailer *message.Header
	at      *time.Time // takes the time of the end
	err     error      // what Read returns from now on
	closed  bool
	ender   Ender // told once
}

// Ender is told how a body ended.
type Ender interface{ BodyEnded(whole bool) }

func (b *Body) begin(src *Reader, f Framing, trailer *message.Header, at *time.Time) {
	*b = Body{src: src, framing: f, trailer: trailer, at: at}
	switch {
	case f == NoBody || f == 0:
		b.err = io.EOF
	case f > 0:
		b.left = int64(f)
	}
}

// OnEnd has e told once, within Read or Close, whether the body was read to its end,
// and so where the next message begins; not of a body of length 0. Nil takes that
// back.
func (b *Body) OnEnd(e Ender) { b.ender = e }

// Whole reports whether the body was read to its end.
func (b *Body) Whole() bool { return b.err == io.EOF } //nolint:errorlint // set bare by this type

// Read implements io.Reader.
func (b *Body) Read(p []byte) (n int, err error) {
	switch {
	case b.closed:
		return 0, errClosed
	case b.err != nil:
		return 0, b.err
	case len(p) == 0:
		return 0, nil
	}
	switch b.framing {
	case Chunked:
		n, err = b.readChunked(p)
	case UntilClose:
		n, err = b.src.Read(p)
	default:
		n, err = b.readCounted(p)
		if b.left == 0 {
			err = io.EOF
		}
	}
	if err != nil {
		b.end(err)
	}
	return n, err
}

// readCounted reads at most what is left.
func (b *Body) readCounted(p []byte) (int, error) {
	n, err := b.src.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, unexpected(err)
}

func (b *Body) end(err error) {
	b.err = err
	if err == io.EOF { //nolint:errorlint // set bare by this type
		*b.at = time.Now()
	}
	b.tell()
}

func (b *Body) tell() {
	if e := b.ender; e != nil {
		b.ender = nil
		e.BodyEnded(b.Whole())
	}
}

// Close ends reading. What is left stays on the connection; see [Body.Drain].
func (b *Body) Close() error {
	if !b.closed {
		b.closed = true
		b.tell()
	}
	return nil
}

// Ready is a hint: whether Read can likely return without waiting for the
// connection.
func (b *Body) Ready() bool {
	if b.closed || b.err != nil {
		return true
	}
	if b.framing == Chunked && b.left == 0 {
		size, _, used, err := chunkHead(b.src.window(), b.chunks.begun)
		return err != nil || used > 0 && (size == 0 || b.src.Buffered() > used)
	}
	return b.src.Buffered() > 0
}

// Drain reads and drops up to limit bytes, so that the connection can serve again.
// It reports whether the body's end was reached. How long it may take is the
// matter of the connection's deadline.
func (b *Body) Drain(limit int64) bool {
	defer func(was bool) { b.closed = was }(b.closed)
	b.closed = false
	if b.err != nil || b.framing >= 0 && b.left > limit {
		return b.Whole()
	}
	mem := takeBuffer(smallBuffer)
	defer giveBuffer(mem)
	for limit >= 0 {
		n, err := b.Read(*mem)
		if err != nil {
			return b.Whole()
		}
		limit -= int64(n)
	}
	return false
}
