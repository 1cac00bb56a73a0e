package native

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
)

func TestTypesHaveTheirLayouts(t *testing.T) {
	str, u8 := &columnType{layout: text}, &columnType{width: 1}
	for name, want := range map[string]*columnType{
		"UInt8":                                u8,
		"DateTime64(3, 'UTC')":                 {width: 8},
		"Decimal(10, 2)":                       {width: 8},
		"Decimal(76, 2)":                       {width: 32},
		"Enum8('a\\'(' = 1, ')' = 2)":          u8,
		"FixedString(7)":                       {width: 7},
		"Nullable(String)":                     {layout: nullable, of: []*columnType{str}},
		"LowCardinality(Nullable(String))":     {layout: lowCardinality, of: []*columnType{str}},
		"Map(String, UInt8)":                   {layout: array, of: []*columnType{{layout: tuple, of: []*columnType{str, u8}}}},
		"Nested(a String, `b c` Enum8('x'=1))": {layout: array, of: []*columnType{{layout: tuple, of: []*columnType{str, u8}}}},
		"Tuple(String, UInt8)":                 {layout: tuple, of: []*columnType{str, u8}},
		"SimpleAggregateFunction(anyLast, Nullable(String))": {layout: nullable, of: []*columnType{str}},
		"IntervalDay": {width: 8},
	} {
		got, err := parseType(name, 0)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "Nonsense", "AggregateFunction(sum, UInt8)", "JSON", "Array(", "Array()", "FixedString(-1)", "Decimal(99, 1)", "Tuple()", strings.Repeat("Array(", 100) + "UInt8" + strings.Repeat(")", 100)} {
		if got, err := parseType(name, 0); err == nil {
			t.Errorf("%q was taken as %+v", name, got)
		}
	}
}

// block makes a block of a client's revision with one column.
func block(typ string, rows uint64, data ...byte) []byte {
	b := appendBlockInfo(nil)
	b = binary.AppendUvarint(binary.AppendUvarint(b, 1), rows)
	b = append(appendText(appendText(b, "c"), typ), 0)
	return append(b, data...)
}

func TestMalformedBlocksAreErrors(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<60)
	for name, data := range map[string][]byte{
		"nothing":                         {},
		"unknown block info":              {9},
		"too many columns":                append(appendBlockInfo(nil), huge...),
		"too many rows":                   block("UInt64", 1<<60),
		"a string that is too long":       block("String", 1, huge...),
		"fewer bytes than rows":           block("UInt64", 1<<25, 1, 2, 3),
		"a custom serialization":          append(block("UInt8", 1)[:len(block("UInt8", 1))-1], 1),
		"array offsets too large":         block("Array(UInt8)", 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"a dictionary of another version": block("LowCardinality(String)", 1, 2, 0, 0, 0, 0, 0, 0, 0),
	} {
		_, err := readBlock(bufio.NewReader(bytes.NewReader(data)), Revision, 0, typeCache{}, nil)
		if err == nil {
			t.Errorf("%s is no error", name)
		}
	}
}

// FuzzBlock feeds the block reader anything; what it accepts must survive the
// way to the engine's encoding and back.
func FuzzBlock(f *testing.F) {
	f.Add(block("UInt64", 1, 1, 2, 3, 4, 5, 6, 7, 8), false)
	f.Add(block("Map(String, Array(Nullable(UInt8)))", 1, 0, 0, 0, 0, 0, 0, 0, 0), false)
	f.Add(block("LowCardinality(String)", 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 'x', 1, 0, 0, 0, 0, 0, 0, 0, 0), false)
	compressor := compress.NewWriter(compress.LevelZero, compress.LZ4)
	if err := compressor.Compress(block("String", 1, 1, 'x')); err != nil {
		f.Fatal(err)
	}
	f.Add(compressor.Data, true)
	f.Fuzz(func(t *testing.T, data []byte, compressed bool) {
		first, err := newReader(bytes.NewReader(data)).block(compressed, typeCache{}, nil)
		if err != nil {
			return
		}
		back, err := readBlock(bufio.NewReader(bytes.NewReader(first.data)), 0, Revision, typeCache{}, nil)
		if err != nil {
			t.Fatalf("the block is not readable in the engine's encoding: %v", err)
		}
		again, err := readBlock(bufio.NewReader(bytes.NewReader(back.data)), Revision, 0, typeCache{}, nil)
		if err != nil || !bytes.Equal(first.data, again.data) {
			t.Fatalf("the block changed on its way: %v", err)
		}
	})
}

// FuzzPackets feeds the packet reader anything: it must fail, not crash, hang
// or take memory that the input doesn't have.
func FuzzPackets(f *testing.F) {
	q := []byte{0, 0} // no id, no client info
	q = append(appendText(q, "max_threads"), 1)
	q = appendText(q, "4")
	q = append(q, 0, 0, stageComplete, 0)
	q = append(appendText(q, "SELECT 1"), 0)
	f.Add(q)
	f.Add(binary.AppendUvarint(nil, 1<<62))
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := newReader(bytes.NewReader(data)).query()
		if err == nil && len(q.sql) > len(data) {
			t.Errorf("a statement of %d bytes from %d", len(q.sql), len(data))
		}
		s := &session{in: newReader(bytes.NewReader(data))}
		if h, err := s.readHello(); err == nil && len(h.database) > len(data) {
			t.Errorf("a name of %d bytes from %d", len(h.database), len(data))
		}
	})
}

func TestQueryPacketIsRead(t *testing.T) {
	q := []byte{0, 0}
	q = append(appendText(q, "x"), flagImportant)
	q = appendText(q, "4")
	q = append(q, 0, 0, stageComplete, 1)
	q = appendText(q, "SELECT 1")
	q = append(appendText(q, "p"), flagCustom)
	q = appendText(q, `'it\'s'`)
	q = append(q, 0)
	got, err := newReader(bytes.NewReader(q)).query()
	if err != nil {
		t.Fatal(err)
	}
	if got.sql != "SELECT 1" || !got.compressed || len(got.settings) != 1 || !got.settings[0].important || got.params[0].Value != `it's` {
		t.Errorf("got %+v", got)
	}
	if _, err := newReader(bytes.NewReader(q[:len(q)-3])).query(); err == nil {
		t.Error("a packet that is cut off is no error")
	}
}
