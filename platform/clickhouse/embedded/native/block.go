package native

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"strconv"
)

// field is the name and type of a column.
type field struct{ name, typ string }

// nativeBlock is a block in one of the two encodings that are in play: the
// engine's (revision 0) and the client's (Revision).
type nativeBlock struct {
	fields []field
	rows   uint64
	data   []byte
}

const maxColumns = 10_000

// Revisions from which a block has a BlockInfo and columns have a byte that
// says whether their serialization is a custom one.
const (
	blockInfoSince           = 1
	customSerializationSince = 54454
)

// readBlock copies a block of revision from into one of revision to, appending
// to buffer[:0].
func readBlock(src *bufio.Reader, from, to int, types typeCache, buffer []byte) (nativeBlock, error) {
	c := &copier{src: src, dst: buffer[:0]}
	if from >= blockInfoSince {
		if err := skipBlockInfo(src); err != nil {
			return nativeBlock{}, err
		}
	}
	if to >= blockInfoSince {
		c.dst = appendBlockInfo(c.dst)
	}
	columns, err := c.uvarint()
	if err != nil {
		return nativeBlock{}, err
	}
	if columns > maxColumns {
		return nativeBlock{}, fmt.Errorf("a block of %d columns is wider than %d", columns, maxColumns)
	}
	block := nativeBlock{}
	if block.rows, err = c.uvarint(); err != nil {
		return nativeBlock{}, err
	}
	for range columns {
		f, err := c.namedColumn(from, to, types, block.rows)
		if err != nil {
			return nativeBlock{}, err
		}
		block.fields = append(block.fields, f)
	}
	block.data = c.dst
	return block, nil
}

func (c *copier) namedColumn(from, to int, types typeCache, rows uint64) (field, error) {
	name, err := c.text()
	if err != nil {
		return field{}, err
	}
	typ, err := c.text()
	if err != nil {
		return field{}, err
	}
	t, err := types.parse(typ)
	if err != nil {
		return field{}, fmt.Errorf("column %q: %w", name, err)
	}
	if from >= customSerializationSince {
		custom, err := c.src.ReadByte()
		if err != nil {
			return field{}, err
		}
		if custom != 0 {
			return field{}, fmt.Errorf("column %q has a custom serialization, which is not supported", name)
		}
	}
	if to >= customSerializationSince {
		c.dst = append(c.dst, 0)
	}
	if err := c.column(t, rows); err != nil {
		return field{}, fmt.Errorf("column %q of type %s: %w", name, typ, err)
	}
	return field{name, typ}, nil
}

// Fields of a BlockInfo.
const (
	infoEnd       = 0
	infoOverflows = 1
	infoBucket    = 2
)

func appendBlockInfo(b []byte) []byte {
	const noBucket = 0xffffffff // -1
	b = append(b, infoOverflows, 0, infoBucket)
	b = binary.LittleEndian.AppendUint32(b, noBucket)
	return append(b, infoEnd)
}

func skipBlockInfo(src *bufio.Reader) error {
	for {
		id, err := binary.ReadUvarint(src)
		if err != nil {
			return err
		}
		var size int
		switch id {
		case infoEnd:
			return nil
		case infoOverflows:
			size = 1
		case infoBucket:
			size = 4
		default:
			return fmt.Errorf("a block has the unknown info field %s", strconv.FormatUint(id, 10))
		}
		if _, err := src.Discard(size); err != nil {
			return err
		}
	}
}

// headerBlock is a block for clients with the given columns and no rows.
func headerBlock(fields []field) []byte {
	b := appendBlockInfo(nil)
	b = binary.AppendUvarint(b, uint64(len(fields)))
	b = binary.AppendUvarint(b, 0)
	for _, f := range fields {
		b = appendText(b, f.name)
		b = appendText(b, f.typ)
		b = append(b, 0)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
