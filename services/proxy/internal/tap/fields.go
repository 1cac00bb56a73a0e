package tap

import (
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"sluice.dev/platform/message"
	"sluice.dev/platform/redact"
)

// Bounds of what is remembered of header lines.
const (
	fieldSlots = 512
	fieldSize  = 512 // bytes of a line
)

// fields remembers header lines that come again and again and hold no secret, so that
// they are looked into once. A line takes its place when it comes for the second time;
// what comes once costs no memory.
type fields struct {
	slots [fieldSlots]struct {
		line message.Field
		hash uint64 // of line
		next uint64 // of the line that came last
	}
}

var fieldSeed = maphash.MakeSeed()

// has reports whether a line holds nothing to replace and is valid UTF-8, unless a
// known secret is in it.
func (k *fields) has(f *message.Field, r *redact.Redactor) bool {
	hash := maphash.String(fieldSeed, f.Name) ^ maphash.String(fieldSeed, f.Value)*31
	slot := &k.slots[hash%fieldSlots]
	if slot.hash == hash && slot.line == *f {
		return true
	}
	if !utf8.ValidString(f.Name) || !utf8.ValidString(f.Value) || !r.CleanHeader(f.Name, f.Value) {
		return false
	}
	if slot.next == hash && len(f.Name)+len(f.Value) <= fieldSize {
		slot.line, slot.hash = message.Field{Name: strings.Clone(f.Name), Value: strings.Clone(f.Value)}, hash
	}
	slot.next = hash
	return true
}

// forget is for other settings.
func (k *fields) forget() { *k = fields{} }
