package native

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ClickHouse/ch-go/compress"
)

const (
	readBuffer = 128 << 10
	// maxText bounds every string of a packet: names, settings, the statement.
	maxText = 64 << 20
	// maxBlock bounds one block of columns, which is held in memory whole.
	maxBlock = 1 << 30
	// growStep is how far a buffer grows ahead of the bytes that have arrived,
	// so that a length alone can't make the server allocate.
	growStep = 1 << 20
)

// reader decodes the packets of one client. Block contents may be compressed;
// everything else never is.
type reader struct {
	plain  *bufio.Reader
	frames *bufio.Reader // what decompressing plain gives
}

func newReader(src io.Reader) *reader {
	plain := bufio.NewReaderSize(src, readBuffer)
	return &reader{plain: plain, frames: bufio.NewReaderSize(compress.NewReader(plain), readBuffer)}
}

func (r *reader) byte() (byte, error) { return r.plain.ReadByte() }

func (r *reader) uvarint() (uint64, error) { return binary.ReadUvarint(r.plain) }

func (r *reader) string() (string, error) {
	c := copier{src: r.plain}
	n, err := r.uvarint()
	if err != nil {
		return "", err
	}
	if n > maxText {
		return "", fmt.Errorf("a string of %d bytes is longer than %d", n, maxText)
	}
	if err := c.bytes(n); err != nil {
		return "", err
	}
	return string(c.dst), nil
}

func (r *reader) skip(n int) error {
	_, err := r.plain.Discard(n)
	return err
}

// block reads a block and returns its columns as the engine's Native format
// has them. The result is valid until the next call with the same buffer.
func (r *reader) block(compressed bool, types typeCache, buffer []byte) (nativeBlock, error) {
	src := r.plain
	if compressed {
		src = r.frames
	}
	block, err := readBlock(src, Revision, 0, types, buffer)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return block, err
}

// copier moves column data from src to dst without decoding values.
type copier struct {
	src *bufio.Reader
	dst []byte
}

// bytes copies n bytes.
func (c *copier) bytes(n uint64) error {
	if n > maxBlock || uint64(len(c.dst))+n > maxBlock {
		return errBlockTooLarge
	}
	for n > 0 {
		step := int(min(n, growStep))
		start := len(c.dst)
		c.dst = grow(c.dst, step)
		if _, err := io.ReadFull(c.src, c.dst[start:]); err != nil {
			return err
		}
		n -= uint64(step)
	}
	return nil
}

// uvarint copies a variable-length number and returns it.
func (c *copier) uvarint() (uint64, error) {
	n, err := binary.ReadUvarint(c.src)
	if err != nil {
		return 0, err
	}
	c.dst = binary.AppendUvarint(c.dst, n)
	return n, nil
}

// uint64 copies a fixed number and returns it.
func (c *copier) uint64() (uint64, error) {
	if err := c.bytes(8); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(c.dst[len(c.dst)-8:]), nil
}

// text copies a string with its length and returns it.
func (c *copier) text() (string, error) {
	n, err := c.uvarint()
	if err != nil {
		return "", err
	}
	start := len(c.dst)
	if err := c.bytes(n); err != nil {
		return "", err
	}
	return string(c.dst[start:]), nil
}

var errBlockTooLarge = fmt.Errorf("a block is larger than %d bytes: send fewer rows at a time", maxBlock)

func grow(b []byte, n int) []byte {
	if need := len(b) + n; need <= cap(b) {
		return b[:need]
	}
	return append(b, make([]byte, n)...)
}
