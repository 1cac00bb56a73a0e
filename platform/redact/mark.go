package redact

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"
)

// Finding is one value that was replaced.
type Finding struct {
	Path   string // name, JSON path or form field; empty for what a pattern found
	Rule   string
	Type   string // string, number, boolean, object, array or text
	Length uint64 // bytes of the value as sent
	Hash   string // 16 hex digits of the value's HMAC-SHA-256

	sent, plain string // the value as it stood in a head, and what it says
}

// Values are what was replaced, as it stood and as it is decoded, when it stood in a
// header or URL: to find it elsewhere in the record. They must go nowhere else.
func (f *Finding) Values() (sent, plain string) { return f.sent, f.plain }

// Kinds of values, as a Finding tells them.
const (
	kindString = "string"
	kindNumber = "number"
	kindObject = "object"
	kindArray  = "array"
	kindText   = "text"
)

// Key derives the key of the hashes from one that the whole installation shares
// (HKDF, RFC 5869).
func Key(shared []byte) []byte {
	key, err := hkdf.Key(sha256.New, shared, nil, "sluice redaction 1", sha256.Size)
	if err != nil {
		panic(err) // only a wrong length can cause it
	}
	return key
}

// text is what stands in a record in place of the value.
func (f *Finding) text() string {
	return beginsMark + " " + f.Rule + " " + strconv.FormatUint(f.Length, 10) + " " + f.Hash + "]"
}

// escaped is text with its spaces as a query or form has them ("+"), or as a path
// has them ("%20").
func (f *Finding) escaped(space string) string { return strings.ReplaceAll(f.text(), " ", space) }

func (r *Redactor) newHash() hash.Hash { return hmac.New(sha256.New, r.key) }

func sum(h hash.Hash) string {
	var buffer [sha256.Size]byte
	return hex.EncodeToString(h.Sum(buffer[:0])[:8])
}

// found describes a value; plain is what it says, which may be shorter than what
// was sent.
func (r *Redactor) found(rule, path, kind, sent, plain string) *Finding {
	return &Finding{Path: path, Rule: rule, Type: kind, Length: uint64(len(sent)), Hash: r.hash(plain), sent: sent, plain: plain}
}

// hasher is a hash with room for what it takes.
type hasher struct {
	hash.Hash
	buffer []byte
}

// hash is that of one value.
func (r *Redactor) hash(plain string) string {
	h, _ := r.hashers.Get().(*hasher)
	if h == nil {
		h = &hasher{Hash: r.newHash()}
	}
	h.Reset()
	h.buffer = append(h.buffer[:0], plain...)
	h.Write(h.buffer)
	clear(h.buffer) // no secret stays
	out := sum(h)
	if len(plain) <= 4<<10 {
		r.hashers.Put(h)
	}
	return out
}

// Marked reports whether a text holds the trace of a redaction.
func Marked(text string) bool { return strings.Contains(text, beginsMark) }
