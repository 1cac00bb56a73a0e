package redact

import (
	"bytes"
	"encoding/json"
)

// Where a jsonFinder is.
const (
	between = iota
	inString
	inLiteral // a number, true, false, null, or what is no JSON
)

// maxDepth is how deep containers are followed.
const maxDepth = 256

// frame is a container that is open.
type frame struct {
	array bool
	place place // of the value that is being read in it
}

// jsonFinder follows JSON, also what is cut off, and several texts in a row. In
// other texts (not strict) it finds what looks like JSON: a line end brings it back
// from where it lost its way.
type jsonFinder struct {
	strict  bool
	state   uint8
	stack   []frame // the first stands for the text itself
	tooDeep int     // containers beyond maxDepth
	colon   bool    // a value follows
	hidden  int     // depth of the container that is being replaced; 0: none

	start   int64 // of the string's or literal's content
	isKey   bool
	key     []byte
	escape  bool // the next byte is escaped
	escaped bool // the string has escapes
	parted  bool // its beginning is behind
	secret  bool // the string is being replaced
	raw     int  // spans of b.raw that are behind
}

func newJSONFinder(strict bool) *jsonFinder {
	return &jsonFinder{strict: strict, stack: append(make([]frame, 0, 8), frame{place: place{index: -1}})}
}

func (f *jsonFinder) top() *frame { return &f.stack[len(f.stack)-1] }

func (f *jsonFinder) feed(p []byte, base int64, last bool, b *Body) int {
	f.raw = 0
	for i := 0; i < len(p); {
		switch f.state {
		case between:
			f.next(p[i], base+int64(i), b)
			if f.state != inLiteral {
				i++
			}
		case inString:
			i = f.inString(p, i, base, b)
		default:
			n := literal(p[i:])
			if i+n == len(p) && !last && f.strict && n < 1<<10 {
				f.state = between
				return i
			}
			f.literalEnds(p[i:i+n], base+int64(i), b)
			i += n
		}
	}
	if f.state == inString && !f.hiding() {
		f.clip(f.start, base+int64(len(p)), b)
		f.start, f.parted = base+int64(len(p)), true
	}
	return len(p)
}

// hiding reports whether what is read is being replaced anyway.
func (f *jsonFinder) hiding() bool { return f.secret || f.hidden > 0 }

// next takes a byte between strings and literals.
func (f *jsonFinder) next(c byte, at int64, b *Body) {
	switch c {
	case '"':
		f.state, f.start, f.isKey = inString, at+1, !f.top().array && !f.colon
		f.escape, f.escaped, f.parted = false, false, false
		f.key = f.key[:0]
		if rule := f.rule(b); rule != "" {
			f.secret = true
			b.begin(span{start: at + 1, rule: rule, path: f.path(), kind: kindString, coding: codedJSON})
		}
	case '{', '[':
		f.open(c == '[', at, b)
	case '}', ']':
		f.shut(at, b)
	case ':':
		f.colon = !f.top().array
	case ',':
		f.colon = false
		if t := f.top(); t.array {
			t.place.index++
		}
	case '\n', '\r':
		if !f.strict {
			f.reset(at, b)
		}
	case ' ', '\t':
	default:
		f.state = inLiteral
	}
}

// reset forgets containers at the end of a line of text.
func (f *jsonFinder) reset(at int64, b *Body) {
	if f.hidden > 0 {
		b.finish(at)
	}
	f.hidden, f.tooDeep, f.colon = 0, 0, false
	f.stack = f.stack[:1]
}

func (f *jsonFinder) open(array bool, at int64, b *Body) {
	if rule := f.rule(b); rule != "" {
		kind := kindObject
		if array {
			kind = kindArray
		}
		f.hidden = len(f.stack)
		b.begin(span{start: at, rule: rule, path: f.path(), kind: kind, quoted: f.strict})
	}
	f.colon = false
	if len(f.stack) == maxDepth {
		f.tooDeep++
		return
	}
	index := -1
	if array {
		index = 0
	}
	f.stack = append(f.stack, frame{array: array, place: place{index: index}})
}

func (f *jsonFinder) shut(at int64, b *Body) {
	f.colon = false
	switch {
	case f.tooDeep > 0:
		f.tooDeep--
	case len(f.stack) > 1:
		f.stack = f.stack[:len(f.stack)-1]
	}
	if f.hidden == len(f.stack) && f.hidden > 0 {
		f.hidden = 0
		b.finish(at + 1)
	}
}

// rule is why the value that begins must be replaced; "" when it need not.
func (f *jsonFinder) rule(b *Body) string {
	t := f.top()
	if f.hidden > 0 || f.tooDeep > 0 || !t.array && !f.colon {
		return ""
	}
	if !t.array && !b.r.off[RuleJSON] && isSecretName(t.place.name) {
		return RuleJSON
	}
	if len(b.r.paths) == 0 {
		return ""
	}
	at := f.places()
	for _, rule := range b.r.paths {
		if rule.path.matches(at) {
			return rule.name
		}
	}
	return ""
}

// places leads to the value that is being read.
func (f *jsonFinder) places() []place {
	out := make([]place, 0, len(f.stack))
	for i, frame := range f.stack {
		if i > 0 || frame.place.name != "" && len(f.stack) == 1 {
			out = append(out, frame.place)
		}
	}
	return out
}

func (f *jsonFinder) path() string { return format(f.places()) }

// inString reads on to the end of the string or of p.
func (f *jsonFinder) inString(p []byte, i int, base int64, b *Body) int {
	for i < len(p) {
		if f.escape {
			f.escape = false
			f.note(p[i : i+1])
			i++
			continue
		}
		n := stringRun(p[i:], !f.strict)
		f.note(p[i : i+n])
		if i += n; i == len(p) {
			break
		}
		switch p[i] {
		case '\\':
			f.escape, f.escaped = true, true
			f.note(p[i : i+1])
			i++
			continue
		case '"':
			f.stringEnds(p, i, base, b)
			return i + 1
		}
		f.lost(base+int64(i), b) // a line end
		return i
	}
	return i
}

// stringRun is how much of p certainly belongs to the string.
func stringRun(p []byte, lines bool) int {
	for i := range len(p) {
		if c := p[i]; c == '"' || c == '\\' || lines && c == '\n' {
			return i
		}
	}
	return len(p)
}

func (f *jsonFinder) note(p []byte) {
	if f.isKey && len(f.key) < 256 {
		f.key = append(f.key, p[:min(len(p), 256-len(f.key))]...)
	}
}

// lost: a string of text that was none.
func (f *jsonFinder) lost(at int64, b *Body) {
	if f.secret {
		f.secret = false
		b.finish(at)
	}
	f.state = between
}

func (f *jsonFinder) stringEnds(p []byte, i int, base int64, b *Body) {
	end := base + int64(i)
	f.state = between
	switch {
	case f.secret:
		f.secret = false
		b.finish(end)
	case f.hidden > 0:
	case f.clip(f.start, end, b):
		f.key = append(f.key[:0], "redacted"...)
	case f.escaped && !f.parted && f.start >= base:
		text := p[f.start-base : i]
		if rule, known := b.inner(unescape(text)); rule != "" {
			b.spans = append(b.spans, span{start: f.start, end: end, rule: rule, path: f.path(), kind: kindString, coding: codedJSON, secret: known})
		}
	}
	if !f.isKey {
		f.colon = false
		return
	}
	name := string(f.key)
	if f.escaped {
		name = unescape(f.key)
	}
	f.top().place.name = name
}

func unescape(text []byte) string {
	var s string
	if json.Unmarshal(append(append([]byte{'"'}, text...), '"'), &s) != nil {
		return string(text)
	}
	return s
}

// literal is the length of the literal that p begins with.
func literal(p []byte) int {
	for i := range len(p) {
		switch p[i] {
		case ',', ':', '{', '}', '[', ']', '"', ' ', '\t', '\n', '\r':
			return i
		}
	}
	return len(p)
}

func (f *jsonFinder) literalEnds(text []byte, at int64, b *Body) {
	f.state = between
	end := at + int64(len(text))
	if !f.top().array && !f.colon {
		f.top().place.name = string(text[:min(len(text), 256)])
	}
	if f.hidden > 0 {
		return
	}
	if rule := f.rule(b); rule != "" && !isWord(text) {
		b.spans = append(b.spans, span{start: at, end: end, rule: rule, path: f.path(), kind: kindNumber, quoted: f.strict})
	} else if s, found := f.overlap(at, end, b); found && f.strict {
		b.spans = append(b.spans, span{start: at, end: end, rule: s.rule, path: f.path(), kind: kindNumber, quoted: true, secret: s.secret})
	}
	f.colon = false
}

func isWord(text []byte) bool {
	return bytes.Equal(text, []byte("true")) || bytes.Equal(text, []byte("false")) || bytes.Equal(text, []byte("null"))
}

// overlap is what was found without structure in a stretch, if anything.
func (f *jsonFinder) overlap(start, end int64, b *Body) (span, bool) {
	for f.raw < len(b.raw) && b.raw[f.raw].end <= start {
		f.raw++
	}
	if f.raw < len(b.raw) && b.raw[f.raw].start < end {
		return b.raw[f.raw], true
	}
	return span{}, false
}

// clip takes over what was found without structure, as far as it lies within a
// string: the JSON around it stays JSON.
func (f *jsonFinder) clip(start, end int64, b *Body) (found bool) {
	for {
		s, ok := f.overlap(start, end, b)
		if !ok {
			return found
		}
		found = true
		if !f.strict {
			return true
		}
		s.start, s.end = max(s.start, start), min(s.end, end)
		if !f.isKey {
			s.path = f.path()
		}
		b.spans = append(b.spans, s)
		start = s.end
		if start >= end {
			return true
		}
	}
}
