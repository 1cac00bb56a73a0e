package http1

import (
	"bytes"
	"io"
	"math"
)

const (
	// maxChunkLine is the size of a chunk size line, with its extensions and CRLF.
	maxChunkLine = 1 << 10
	// maxChunkText is by how many bytes extensions may exceed the data.
	maxChunkText = 16 << 10
	maxSizeHex   = 16
)

// chunks is where a chunked body stands between reads.
type chunks struct {
	begun bool  // a chunk has been read: its CRLF is to come
	last  bool  // the chunk of size 0 has been read: the trailers are to come
	text  int64 // bytes of extensions beyond those of data
}

// readChunked fills p from as many chunks as have arrived, and waits only for the
// first byte.
func (b *Body) readChunked(p []byte) (n int, err error) {
	for n < len(p) {
		if b.left == 0 {
			if ready, err := b.nextChunk(n == 0); err != nil || !ready {
				return n, err
			}
			if b.chunks.last {
				return n, b.trailers(n == 0)
			}
		}
		if n > 0 && b.src.Buffered() == 0 {
			return n, nil
		}
		got, err := b.readCounted(p[n:])
		n += got
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// nextChunk reads the end of one chunk and the size of the next. Without wait it
// is not ready if they have not arrived.
func (b *Body) nextChunk(wait bool) (ready bool, err error) {
	for !b.chunks.last {
		size, text, used, err := chunkHead(b.src.window(), b.chunks.begun)
		switch {
		case err != nil:
			return false, err
		case used == 0 && !wait:
			return false, nil
		case used == 0:
			if err := b.src.more(); err != nil {
				return false, unexpected(err)
			}
			continue
		}
		b.src.discard(used)
		b.left, b.chunks.begun, b.chunks.last = size, true, size == 0
		if b.chunks.text = max(0, b.chunks.text+text-size); b.chunks.text > maxChunkText {
			return false, errChunkText
		}
		break
	}
	return true, nil
}

// chunkHead reads [CRLF] size [extensions] CRLF. used is 0 if w is too short.
func chunkHead(w []byte, afterData bool) (size, text int64, used int, err error) {
	line := w
	if afterData {
		switch {
		case len(w) > 0 && w[0] != '\r' || len(w) > 1 && w[1] != '\n':
			return 0, 0, 0, errChunkEnd
		case len(w) < 2:
			return 0, 0, 0, nil
		}
		line = w[2:]
	}
	lf := bytes.IndexByte(line, '\n')
	switch {
	case lf < 0 && len(line) < maxChunkLine:
		return 0, 0, 0, nil
	case lf < 0 || lf >= maxChunkLine:
		return 0, 0, 0, errChunkLine
	case lf == 0 || line[lf-1] != '\r':
		return 0, 0, 0, errChunkSize
	}
	size, digits, err := chunkSize(line[:lf-1])
	return size, int64(lf - 1 - digits), len(w) - len(line) + lf + 1, err
}

// chunkSize reads the number, and looks at what follows only as far as to know
// that it does no harm.
func chunkSize(line []byte) (size int64, digits int, err error) {
	var n uint64
	for digits < len(line) && hexValue(line[digits]) < 16 {
		n = n<<4 | hexValue(line[digits])
		digits++
	}
	if digits == 0 || digits > maxSizeHex || n > math.MaxInt64 {
		return 0, 0, errChunkSize
	}
	rest := line[digits:]
	if len(rest) > 0 && rest[0] != ';' {
		rest = bytes.TrimRight(rest, " \t")
		if len(rest) > 0 {
			return 0, 0, errChunkSize
		}
	}
	for _, c := range rest {
		if class[c]&isValue == 0 {
			return 0, 0, errChunkSize
		}
	}
	return int64(n), digits, nil // #nosec G115 -- compared with MaxInt64 above
}

// trailers reads the trailer section after the last chunk and returns io.EOF.
// Without wait it returns nil if the section has not arrived.
func (b *Body) trailers(wait bool) error {
	w := b.src.window()
	if !wait && !bytes.HasPrefix(w, headEnd[:2]) && !bytes.Contains(w, headEnd) {
		return nil
	}
	s, err := b.src.section(b.src.limits.TrailerBytes, func([]byte) error { return errTrailer })
	if err != nil {
		return unexpected(err)
	}
	if *b.trailer = nil; s != "" {
		if *b.trailer, err = trailers(s, b.src.limits.Fields); err != nil {
			return err
		}
	}
	return io.EOF
}
