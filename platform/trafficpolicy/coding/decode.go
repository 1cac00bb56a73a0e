package coding

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// maxCodings is how many codings may be laid over each other.
const maxCodings = 3

// ErrTooLarge says that decoded content exceeds the limit.
var ErrTooLarge = errors.New("the decoded content is larger than the limit")

// Decode reads source whole and undoes the codings of a Content-Encoding field.
// It stops with [ErrTooLarge] beyond limit bytes, and with [ErrUnknown] at a
// coding it does not know.
func Decode(source io.Reader, contentEncoding string, limit int) ([]byte, error) {
	codings := Parse(contentEncoding)
	if len(codings) > maxCodings {
		return nil, fmt.Errorf("%d content codings: %w", len(codings), ErrUnknown)
	}
	reader, closeAll, err := undo(source, codings)
	defer closeAll()
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(reader, int64(limit)+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > limit:
		return nil, ErrTooLarge
	}
	return content, nil
}

// Reader decodes while it is read; closing it closes source. It is for streams,
// whose parts must arrive as they come, and has no limit.
func Reader(source io.ReadCloser, contentEncoding string) (io.ReadCloser, error) {
	codings := Parse(contentEncoding)
	if len(codings) > maxCodings {
		return nil, fmt.Errorf("%d content codings: %w", len(codings), ErrUnknown)
	}
	reader, closeAll, err := undo(source, codings)
	if err != nil {
		closeAll()
		return nil, err
	}
	return &decoded{Reader: reader, source: source, release: closeAll}, nil
}

type decoded struct {
	io.Reader
	source  io.Closer
	release func()
}

// Close implements io.Closer.
func (d *decoded) Close() error {
	d.release()
	return d.source.Close()
}

// Beginning decodes what can be decoded of the first part of a content, at most
// limit bytes. What it does not understand it leaves as it is.
func Beginning(part []byte, contentEncoding string, limit int) []byte {
	codings := Parse(contentEncoding)
	if len(codings) > maxCodings {
		return part
	}
	reader, closeAll, err := undo(bytes.NewReader(part), codings)
	defer closeAll()
	if err != nil {
		return part
	}
	content, _ := io.ReadAll(io.LimitReader(reader, int64(limit))) // it breaks off where the part does
	return content
}

// undo reads through the decoders of the codings. The function closes them.
func undo(source io.Reader, codings []string) (io.Reader, func(), error) {
	var closers []func()
	closeAll := func() {
		for _, f := range closers {
			f()
		}
	}
	for _, coding := range slices.Backward(codings) { // the last was applied last
		reader, closeReader, err := decoder(source, coding)
		if err != nil {
			return nil, closeAll, fmt.Errorf("content coding %s: %w", coding, err)
		}
		closers = append(closers, closeReader)
		source = reader
	}
	return source, closeAll, nil
}

// Parse lists the codings of a Content-Encoding field in the order they were
// applied, in lower case and without identity.
func Parse(contentEncoding string) []string {
	var out []string
	for name := range strings.SplitSeq(contentEncoding, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		switch name {
		case "", Identity:
			continue
		case "x-gzip":
			name = Gzip
		}
		out = append(out, name)
	}
	return out
}

func decoder(source io.Reader, coding string) (io.Reader, func(), error) {
	switch coding {
	case Gzip:
		r, err := gzip.NewReader(source)
		return r, func() {}, err
	case Deflate:
		return inflate(source)
	case Brotli:
		return brotli.NewReader(source), func() {}, nil
	case Zstd:
		r, err := zstd.NewReader(source, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20)) // RFC 9659
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	}
	return nil, nil, ErrUnknown
}

// inflate reads deflate, which is the zlib format (RFC 9110 section 8.4.1.2);
// some send it without zlib's header.
func inflate(source io.Reader) (io.Reader, func(), error) {
	b := bufio.NewReader(source)
	head, _ := b.Peek(2) // a short one shows when it is read
	if len(head) == 2 && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		r, err := zlib.NewReader(b)
		return r, func() {}, err
	}
	return flate.NewReader(b), func() {}, nil
}
