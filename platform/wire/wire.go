// Package wire appends protobuf messages to bytes, field by field, without making
// them first: for the few that are made so often that making them would cost more
// than all else. Whoever uses it has a test which decodes what was appended and
// compares it with the message.
//
// It follows proto3: a field with the zero value is left out. It knows nothing of
// schemas; field numbers are the caller's.
package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// Types of fields (Protocol Buffers, Encoding).
const (
	ofVarint = 0
	ofFixed8 = 1 // eight bytes
	ofLength = 2 // a length and as many bytes
)

// Buffer is a message that is being appended to.
type Buffer []byte

func (b *Buffer) tag(field int, kind uint64) {
	b.varint(uint64(field)<<3 | kind) // #nosec G115 -- a field's number is positive
}

// varint appends byte by byte: what is appended in place costs no write barrier.
func (b *Buffer) varint(v uint64) {
	for ; v >= 0x80; v >>= 7 {
		*b = append(*b, byte(v)|0x80)
	}
	*b = append(*b, byte(v))
}

// Uint appends a field of type uint32, uint64 or an enum.
func (b *Buffer) Uint(field int, v uint64) {
	if v != 0 {
		b.tag(field, ofVarint)
		b.varint(v)
	}
}

// Bool appends a field of type bool.
func (b *Buffer) Bool(field int, v bool) {
	if v {
		b.tag(field, ofVarint)
		*b = append(*b, 1)
	}
}

// Double appends a field of type double.
func (b *Buffer) Double(field int, v float64) {
	if bits := math.Float64bits(v); bits != 0 {
		b.tag(field, ofFixed8)
		*b = binary.LittleEndian.AppendUint64(*b, bits)
	}
}

// String appends a field of type string, which must be valid UTF-8.
func (b *Buffer) String(field int, s string) {
	if s != "" {
		b.Item(field, s)
	}
}

// Item appends one value of a repeated string field, which may be empty.
func (b *Buffer) Item(field int, s string) {
	b.tag(field, ofLength)
	b.varint(uint64(len(s)))
	*b = append(*b, s...)
}

// Bytes appends a field of type bytes.
func (b *Buffer) Bytes(field int, p []byte) {
	if len(p) > 0 {
		b.Message(field, p)
	}
}

// Message appends a field whose message is encoded already.
func (b *Buffer) Message(field int, p []byte) {
	b.tag(field, ofLength)
	b.varint(uint64(len(p)))
	*b = append(*b, p...)
}

// Duration appends a google.protobuf.Duration, also one of zero.
func (b *Buffer) Duration(field int, d time.Duration) {
	b.pair(field, int64(d/time.Second), int64(d%time.Second))
}

// Time appends a google.protobuf.Timestamp.
func (b *Buffer) Time(field int, t time.Time) { b.pair(field, t.Unix(), int64(t.Nanosecond())) }

// pair appends the message that both kinds of time are.
func (b *Buffer) pair(field int, seconds, nanos int64) {
	m := b.Open(field, 0)
	b.Uint(1, uint64(seconds)) // #nosec G115 -- as int64 is encoded
	b.Uint(2, uint64(nanos))   // #nosec G115 -- as int32 is encoded
	b.Close(m)
}

// Mark is where a message within the message begins.
type Mark struct{ start, reserved int }

// Open begins a message within the message. About is how long it may become, in
// bytes: a good guess spares moving it.
func (b *Buffer) Open(field, about int) Mark {
	b.tag(field, ofLength)
	reserved := sizeOf(about)
	for range reserved {
		*b = append(*b, 0)
	}
	return Mark{len(*b), reserved}
}

// Close ends the message that was begun last.
func (b *Buffer) Close(m Mark) {
	n := len(*b) - m.start
	at := m.start - m.reserved
	if size := sizeOf(n); size != m.reserved {
		for range size - m.reserved {
			*b = append(*b, 0)
		}
		copy((*b)[at+size:], (*b)[m.start:m.start+n])
		*b = (*b)[:at+size+n]
	}
	binary.PutUvarint((*b)[at:], uint64(n)) // #nosec G115 -- a length
}

// sizeOf is how many bytes a length takes.
func sizeOf(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
