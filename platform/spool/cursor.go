package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
)

// cursor keeps on disk how far records are acknowledged. It is written in place:
// if that tears, or was not written before a crash, records are read once more.
type cursor struct{ file *os.File }

const cursorSize = 20 // segment (8 bytes), offset (8), CRC-32C (4)

func openCursor(path string) (*cursor, Position, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- a path inside the spool's directory
	if err != nil {
		return nil, Position{}, err
	}
	var b [cursorSize]byte
	if _, err := f.ReadAt(b[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, Position{}, errors.Join(err, f.Close())
	}
	c := &cursor{f}
	if crc32.Checksum(b[:16], castagnoli) != binary.LittleEndian.Uint32(b[16:]) {
		return c, Position{}, nil
	}
	offset := binary.LittleEndian.Uint64(b[8:])
	if offset > 1<<62 {
		return c, Position{}, nil
	}
	return c, Position{binary.LittleEndian.Uint64(b[:]), int64(offset)}, nil
}

func (c *cursor) write(p Position) error {
	var b [cursorSize]byte
	binary.LittleEndian.PutUint64(b[:], p.segment)
	binary.LittleEndian.PutUint64(b[8:], uint64(p.offset)) // #nosec G115 -- never negative
	binary.LittleEndian.PutUint32(b[16:], crc32.Checksum(b[:16], castagnoli))
	_, err := c.file.WriteAt(b[:], 0)
	return err
}

func (c *cursor) close() error { return c.file.Close() }
