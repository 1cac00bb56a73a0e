package coding

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// encoder is a compressor with its buffers; they are reused.
type encoder struct {
	writer
	out   bytes.Buffer
	chunk [16 << 10]byte
}

type writer interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

// Levels are those that servers commonly use for content made on the fly, and
// windows are small: an encoder is held for as long as its response.
var pools = map[string]*sync.Pool{
	Gzip:    pool(func() (writer, error) { return gzip.NewWriterLevel(nil, 5) }),
	Deflate: pool(func() (writer, error) { return zlib.NewWriterLevel(nil, 5) }),
	Brotli: pool(func() (writer, error) {
		return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: 4, LGWin: 19}), nil
	}),
	Zstd: pool(func() (writer, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithEncoderLevel(zstd.SpeedFastest))
	}),
}

func pool(create func() (writer, error)) *sync.Pool {
	return &sync.Pool{New: func() any {
		w, err := create()
		if err != nil {
			panic(err) // only options fixed in this file can cause it
		}
		return &encoder{writer: w}
	}}
}

// Body is content compressed while it is read. It holds no more of it than a
// block of the compressor.
type Body struct {
	source io.ReadCloser
	coding string
	flush  bool
	enc    *encoder // nil once all is compressed and read
	err    error    // after what is in enc.out
	in     int64
	out    int64
}

// Encode compresses source. With flush, what source has given so far can be
// decoded from what was read so far: for streams whose parts must arrive as
// they come. The error says that the coding is not known.
func Encode(source io.ReadCloser, coding string, flush bool) (*Body, error) {
	p, ok := pools[coding]
	if !ok {
		return nil, fmt.Errorf("content coding %q: %w", coding, ErrUnknown)
	}
	b := &Body{source: source, coding: coding, flush: flush, enc: p.Get().(*encoder)}
	b.enc.out.Reset()
	b.enc.Reset(&b.enc.out)
	return b, nil
}

// Read implements io.Reader.
func (b *Body) Read(p []byte) (int, error) {
	for b.enc != nil {
		if b.enc.out.Len() > 0 {
			n, _ := b.enc.out.Read(p) // a buffer that is not empty gives no error
			b.out += int64(n)
			return n, nil
		}
		if b.err != nil {
			b.release()
			break
		}
		b.err = b.compress()
	}
	return 0, b.err
}

// compress takes one piece of the source.
func (b *Body) compress() error {
	n, err := b.source.Read(b.enc.chunk[:])
	b.in += int64(n)
	if n > 0 {
		if _, err := b.enc.Write(b.enc.chunk[:n]); err != nil {
			return err
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		if err := b.enc.writer.Close(); err != nil {
			return err
		}
		return io.EOF
	case err == nil && n > 0 && b.flush:
		return b.enc.Flush()
	}
	return err
}

// release gives the encoder back.
func (b *Body) release() {
	b.enc.Reset(io.Discard)
	pools[b.coding].Put(b.enc)
	b.enc = nil
}

// Close closes the source.
func (b *Body) Close() error {
	if b.enc != nil {
		b.err = errors.New("content coding: the body is closed")
		b.release()
	}
	return b.source.Close()
}

// Sizes are the bytes taken from the source and the compressed bytes read.
func (b *Body) Sizes() (in, out int64) { return b.in, b.out }
