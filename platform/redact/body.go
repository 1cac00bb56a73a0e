package redact

import (
	"bytes"
	"math"
	"mime"
	"strings"
)

// Bounds of what a Body holds while a content streams through it, in bytes.
const (
	window   = 64 << 10  // it looks at this much at once
	holdback = 8 << 10   // and keeps back this much of it, since a secret may go on
	longest  = 256 << 10 // of a secret that is found by its shape or a pattern
)

// BodyConfig describes a content.
type BodyConfig struct {
	ContentType string // of its Content-Type field; may be empty
	// Limit is the offset from which on nothing is written, although it is looked at:
	// a secret that begins before it is known as a whole. 0 means none.
	Limit   int64
	Secrets func() []*Secret // known by now; nil for none
	Found   func(*Finding)   // called for each value that is replaced; nil for none
}

// Body redacts a content that comes in pieces. It is not safe for concurrent use.
type Body struct {
	r       *Redactor
	cfg     BodyConfig
	depth   int // of contents within others
	chosen  bool
	finder  finder // nil when the content has no structure that helps
	strict  bool   // finder alone says what is replaced
	space   string
	buf     []byte
	base    int64 // offset of buf[0]
	raw     []span
	carry   []span // of raw, that reach into what comes
	spans   []span // by the finder
	open    *opened
	closeAt int64
	out     []byte
	changed bool
	secret  bool
}

// finder follows the structure of a content.
type finder interface {
	// feed reads a stretch that begins at offset base and tells b what it finds. It
	// returns how much it has taken; the rest comes again, with what follows. With
	// last nothing follows.
	feed(p []byte, base int64, last bool, b *Body) int
}

// Body returns the redaction of one content.
func (r *Redactor) Body(cfg BodyConfig) *Body {
	if cfg.Limit == 0 {
		cfg.Limit = math.MaxInt64
	}
	if cfg.Found == nil {
		cfg.Found = func(*Finding) {}
	}
	return &Body{r: r, cfg: cfg, space: " ", closeAt: -1}
}

// Changed reports whether anything was replaced so far.
func (b *Body) Changed() bool { return b.changed }

// HeldSecret reports whether a known secret was among what was replaced.
func (b *Body) HeldSecret() bool { return b.secret }

// Write takes the next piece and returns what can be told of the content by now,
// which is good until the next call.
func (b *Body) Write(p []byte) []byte {
	b.buf, b.out = append(b.buf, p...), b.out[:0]
	for len(b.buf) >= window {
		before := len(b.buf)
		if b.process(false, true); len(b.buf) == before {
			break
		}
	}
	return b.out
}

// Close takes the last piece, which may be all of it, and returns the rest. With
// cut the content goes on, but not here. When nothing was replaced in a content
// that came as one piece, that piece itself is returned.
func (b *Body) Close(p []byte, cut bool) []byte {
	b.out = b.out[:0]
	if b.base == 0 && len(b.buf) == 0 {
		b.buf = p
		if b.clean(cut) {
			return p[:min(int64(len(p)), b.cfg.Limit)]
		}
	} else {
		b.buf = append(b.buf, p...)
	}
	b.process(true, cut)
	if b.open != nil {
		b.writeOpen()
	}
	return b.out
}

// clean reports, cheaply, that there is nothing to replace in the whole content.
func (b *Body) clean(cut bool) bool {
	b.choose()
	if b.find(cut); len(b.raw) > 0 {
		return false
	}
	switch f := b.finder.(type) {
	case nil:
		return true
	case *jsonFinder:
		return len(b.r.paths) == 0 && bytes.IndexByte(b.buf, '\\') < 0 && (b.r.off[RuleJSON] || !mayNameSecret(b.buf, f.strict))
	}
	return false
}

// find looks for what needs no structure.
func (b *Body) find(more bool) {
	var secrets []*Secret
	if b.cfg.Secrets != nil {
		secrets = b.cfg.Secrets()
	}
	b.raw = b.r.raw(b.buf, secrets, more, b.raw[:0])
	for i := range b.raw {
		b.raw[i].start += b.base
		b.raw[i].end += b.base
	}
	b.raw = join(append(b.raw, b.carry...))
}

func (b *Body) process(last, cut bool) {
	b.choose()
	b.find(!last || cut)
	safe := len(b.buf)
	if !last {
		safe = b.safe()
	}
	if safe <= 0 && !last {
		return
	}
	n := safe
	b.spans = b.spans[:0]
	if b.finder != nil {
		n = b.finder.feed(b.buf[:safe], b.base, last, b)
	}
	end := b.base + int64(n)
	b.carry = b.carry[:0]
	if !b.strict {
		for _, s := range b.raw {
			if s.start < end {
				b.spans = append(b.spans, s)
			}
		}
		b.spans = join(b.spans)
	}
	for _, s := range b.raw {
		if s.start < end && s.end > end {
			b.carry = append(b.carry, s)
		}
	}
	b.emit(b.buf[:n])
	b.buf, b.base = b.buf[n:], end
	if !last {
		b.buf = append([]byte(nil), b.buf...)
	}
}

// safe is how much of the buffer can be decided: no secret may begin before and
// end after it.
func (b *Body) safe() int {
	safe := len(b.buf) - holdback
	for _, s := range b.raw {
		start, end := int(s.start-b.base), int(s.end-b.base)
		if start < safe && end > safe {
			if len(b.buf) < longest && start >= 0 {
				return start
			}
			return min(end, len(b.buf))
		}
	}
	return safe
}

// choose decides by the content type, and by how the content begins, what follows
// its structure.
func (b *Body) choose() {
	if b.chosen {
		return
	}
	b.chosen = true
	media, params, _ := mime.ParseMediaType(b.cfg.ContentType)
	begin := bytes.TrimLeft(b.buf[:min(len(b.buf), 256)], " \t\r\n\uFEFF")
	switch {
	case media == "application/x-www-form-urlencoded":
		b.finder, b.space = &formFinder{}, "+"
	case strings.HasPrefix(media, "multipart/") && params["boundary"] != "":
		b.finder = &multipartFinder{delimiter: []byte("\r\n--" + params["boundary"])}
	case media == "application/json" || strings.HasSuffix(media, "+json") || looksLikeJSON(begin) && !opaque(media, false):
		b.finder, b.strict = newJSONFinder(true), true
	case opaque(media, true):
	default:
		b.finder = newJSONFinder(false)
	}
}

// looksLikeJSON is for contents that are not declared.
func looksLikeJSON(p []byte) bool {
	if len(p) == 0 || p[0] != '{' && p[0] != '[' {
		return false
	}
	if p[0] == '{' {
		return true
	}
	next := bytes.TrimLeft(p[1:], " \t\r\n")
	return len(next) == 0 || strings.IndexByte(`{["`, next[0]) >= 0
}

// opaque reports whether a media type has no text to follow. Unknown says what to
// think of one that may hold anything.
func opaque(media string, unknown bool) bool {
	switch kind, _, _ := strings.Cut(media, "/"); kind {
	case "image", "video", "audio", "font":
		return media != "image/svg+xml"
	}
	switch media {
	case "application/octet-stream", "binary/octet-stream":
		return unknown
	case "application/zip", "application/gzip", "application/pdf", "application/wasm", "application/x-protobuf", "application/protobuf", "application/msgpack":
		return true
	}
	return strings.HasPrefix(media, "application/grpc")
}

// begin tells of a value whose end is not reached yet.
func (b *Body) begin(s span) {
	s.open, s.end = true, math.MaxInt64
	b.spans = append(b.spans, s)
}

// finish tells the end of the value that began last.
func (b *Body) finish(end int64) {
	if n := len(b.spans); n > 0 && b.spans[n-1].open {
		b.spans[n-1].open, b.spans[n-1].end = false, end
		return
	}
	b.closeAt = end
}
