package http1

import (
	"errors"
	"io"
	"strconv"

	"sluice.dev/platform/message"
)

const (
	sizeRoom  = len("10000\r\n")       // a chunk size for all that fits a large buffer
	chunkRoom = sizeRoom + len("\r\n") // what a chunk needs besides its data
	leastRoom = 512 + chunkRoom        // what is worth a read
	enough    = middleBuffer / 4       // what is worth a write although more is to come
	lastChunk = "0\r\n"
)

// Body writes the body that src has, framed as its head said, after what is held
// back, and leaves nothing held back. With flush each part is written as it comes;
// otherwise small parts are gathered. Trailers are taken from trailer, which may be
// nil, after src's end. What src does wrong is a *SourceError: it failed, it ended
// before the announced length, or has more. All other errors are the connection's,
// or an *UnsendableError.
func (w *Writer) Body(src io.Reader, f Framing, trailer *message.Header, flush bool) error {
	if f == NoBody || src == nil && f == 0 {
		return w.Flush()
	}
	s := &source{from: src, flush: flush}
	s.hint, _ = src.(readiness)
	err := w.body(s, f, trailer)
	if err == nil {
		return nil
	}
	var broken *SourceError
	if errors.As(err, &broken) {
		if e := w.Flush(); e != nil { // what came is the recipient's
			return e
		}
	}
	return err
}

func (w *Writer) body(s *source, f Framing, trailer *message.Header) error {
	switch f {
	case Chunked:
		return w.chunked(s, trailer)
	case UntilClose:
		return w.plain(s)
	}
	return w.counted(s, int64(f))
}

// counted writes exactly left bytes.
func (w *Writer) counted(s *source, left int64) error {
	for left > 0 {
		if s.ended {
			return &SourceError{Cause: io.ErrUnexpectedEOF}
		}
		if err := w.room(s); err != nil {
			return err
		}
		free := (*w.mem)[w.n:]
		n, err := s.read(free[:min(int64(len(free)), left)])
		w.n += n
		left -= int64(n)
		if err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil || s.ended {
		return err
	}
	return w.checkEnd(s)
}

// MaxGathered is the largest body that [Writer.Gather] takes.
const MaxGathered = middleBuffer

// Gather reads src's body of n bytes, at most [MaxGathered], and holds it back like
// the head before it. The error is a *SourceError.
func (w *Writer) Gather(src io.Reader, n int64) error {
	if n > MaxGathered {
		return unsendable("a body of %d bytes is too large to be held back", n)
	}
	buf := w.open(middleBuffer)
	if free := len(*w.mem) - w.n; int64(free) < n+1 {
		larger := takeBuffer(w.n + int(n) + 1)
		copy(*larger, buf)
		giveBuffer(w.mem)
		w.mem = larger
	}
	s := &source{from: src}
	for end := w.n + int(n); !s.ended; {
		got, err := s.read((*w.mem)[w.n : end+1]) // one byte more shows that the body is too long
		w.n += got
		switch {
		case err != nil:
			return err
		case w.n > end:
			return &SourceError{Cause: ErrBodyTooLong}
		case s.ended && w.n < end:
			return &SourceError{Cause: io.ErrUnexpectedEOF}
		}
	}
	return nil
}

// checkEnd makes sure that the source has no more.
func (w *Writer) checkEnd(s *source) error {
	w.open(smallBuffer)
	defer w.Discard()
	n, err := s.read((*w.mem)[:1])
	if err == nil && n > 0 {
		return &SourceError{Cause: ErrBodyTooLong}
	}
	return err
}

// plain writes all there is; the end of the connection ends it.
func (w *Writer) plain(s *source) error {
	for !s.ended {
		if err := w.room(s); err != nil {
			return err
		}
		n, err := s.read((*w.mem)[w.n:])
		w.n += n
		if err != nil {
			return err
		}
	}
	return w.Flush()
}

// chunked writes each read as one chunk.
func (w *Writer) chunked(s *source, trailer *message.Header) error {
	for !s.ended {
		if err := w.room(s); err != nil {
			return err
		}
		at := w.n + sizeRoom
		n, err := s.read((*w.mem)[at : len(*w.mem)-len("\r\n")])
		if n > 0 {
			w.chunk(at, n)
		}
		if err != nil {
			return err
		}
	}
	buf := append(w.open(middleBuffer), lastChunk...)
	var err error
	if trailer != nil {
		buf, err = appendTrailers(buf, *trailer)
	}
	if err := w.keep(append(buf, "\r\n"...), err); err != nil {
		return err
	}
	return w.Flush()
}

// chunk frames n bytes of data that stand at at. The size goes right before them:
// what is held back already moves up to it.
func (w *Writer) chunk(at, n int) {
	mem := *w.mem
	var hex [sizeRoom]byte
	size := append(strconv.AppendInt(hex[:0], int64(n), 16), "\r\n"...)
	start := at - len(size)
	shift := start - w.n
	copy(mem[w.off+shift:start], mem[w.off:w.n])
	copy(mem[start:], size)
	copy(mem[at+n:], "\r\n")
	w.off, w.n = w.off+shift, at+n+len("\r\n")
}

// room makes place in the buffer for one read. What must not wait for that read is
// written before it.
func (w *Writer) room(s *source) error {
	held := w.n - w.off
	crowded := w.mem != nil && len(*w.mem)-w.n < leastRoom
	if held > 0 && (crowded || held >= enough || s.flush && !s.ready()) {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	size := middleBuffer
	if s.fast {
		size = largeBuffer
	}
	w.open(size)
	return nil
}

// readiness is what a source may tell of itself; see [Body.Ready].
type readiness interface{ Ready() bool }

// source is where a body comes from.
type source struct {
	from  io.Reader
	hint  readiness // nil if from has none
	flush bool
	ended bool
	fast  bool // it had more than a read could take
}

func (s *source) ready() bool { return s.hint != nil && s.hint.Ready() }

// read takes at least one byte, unless the source ends.
func (s *source) read(p []byte) (int, error) {
	for range 100 {
		n, err := s.from.Read(p)
		s.fast = n == len(p)
		switch {
		case errors.Is(err, io.EOF):
			s.ended = true
			return n, nil
		case err != nil:
			return n, &SourceError{Cause: err}
		case n > 0:
			return n, nil
		}
	}
	return 0, &SourceError{Cause: io.ErrNoProgress}
}
