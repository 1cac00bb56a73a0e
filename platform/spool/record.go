package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A record is, little-endian: length of the payload (4 bytes), number of items
// (4), CRC-32C of both and the payload (4), payload.
const headerSize = 12

// MaxRecord is the largest payload in bytes.
const MaxRecord = 128 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errTorn = errors.New("the record is not whole")

func encode(payload []byte, items uint32) []byte {
	b := make([]byte, headerSize+len(payload))
	binary.LittleEndian.PutUint32(b, uint32(len(payload))) // #nosec G115 -- at most MaxRecord
	binary.LittleEndian.PutUint32(b[4:], items)
	copy(b[headerSize:], payload)
	binary.LittleEndian.PutUint32(b[8:], checksum(b[:8], payload))
	return b
}

func checksum(head, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, payload)
}

// decode reads the record at offset of what ends at end. errTorn means that the
// bytes there are no record; any other error is the disk's.
func decode(r io.ReaderAt, offset, end int64) (payload []byte, items uint32, err error) {
	if end-offset < headerSize {
		return nil, 0, errTorn
	}
	var head [headerSize]byte
	if err := readFull(r, head[:], offset); err != nil {
		return nil, 0, err
	}
	length := int64(binary.LittleEndian.Uint32(head[:]))
	if length > MaxRecord || length > end-offset-headerSize {
		return nil, 0, errTorn
	}
	payload = make([]byte, length)
	if err := readFull(r, payload, offset+headerSize); err != nil {
		return nil, 0, err
	}
	if checksum(head[:8], payload) != binary.LittleEndian.Uint32(head[8:]) {
		return nil, 0, errTorn
	}
	return payload, binary.LittleEndian.Uint32(head[4:]), nil
}

func readFull(r io.ReaderAt, p []byte, offset int64) error {
	n, err := r.ReadAt(p, offset)
	switch {
	case n == len(p):
		return nil
	case errors.Is(err, io.EOF):
		return errTorn
	}
	return fmt.Errorf("read the spool: %w", err)
}
