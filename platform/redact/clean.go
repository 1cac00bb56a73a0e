package redact

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Clean is a quick look at a content: true means that a [Body] would replace
// nothing in it. False may mean anything. With cut the content goes on, but not
// here.
func (r *Redactor) Clean(contentType string, p []byte, cut bool) bool {
	if len(r.patterns)+len(r.paths) > 0 {
		return false
	}
	if !r.quiet(p, cut) {
		return false
	}
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	switch {
	case media == "application/x-www-form-urlencoded", strings.HasPrefix(media, "multipart/"):
		return false
	case opaque(media, false):
		return true
	}
	if bytes.IndexByte(p, '\\') >= 0 && (media != "application/json" || !r.cleanEscapes(p)) {
		return false
	}
	return r.off[RuleJSON] || !mayNameSecret(p, true)
}

// cleanEscapes is Clean for what strings of a JSON text say that have escapes: they
// may hide a secret, name one, or hold JSON themselves.
func (r *Redactor) cleanEscapes(p []byte) bool {
	var room [512]byte
	for {
		open := bytes.IndexByte(p, '"')
		if open < 0 {
			return true
		}
		p = p[open+1:]
		end := bytes.IndexByte(p, '"')
		if end < 0 {
			end = len(p)
		}
		if bytes.IndexByte(p[:end], '\\') < 0 {
			p = p[min(end+1, len(p)):]
			continue
		}
		text, n, ok := unescaped(room[:0], p)
		if !ok || !r.quiet(text, false) || endsLikeSecret(text) && isSecretName(string(text)) {
			return false
		}
		if looksLikeJSON(text) && (bytes.IndexByte(text, '\\') >= 0 || !r.off[RuleJSON] && mayNameSecret(text, true)) {
			return false
		}
		p = p[n:]
	}
}

// simpleEscapes are those of RFC 8259 section 7 with one letter, and what they say.
const simpleEscapes, theySay = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

// unescaped appends what the JSON string says that p begins with, and tells how much
// of p it takes with the quote at its end. It is false for what it leaves to others.
func unescaped(to, p []byte) (text []byte, n int, ok bool) {
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '"':
			return to, i + 1, true
		case c < ' ':
			return nil, 0, false
		case c != '\\':
			to = append(to, c)
		case i+5 < len(p) && p[i+1] == 'u':
			code, err := strconv.ParseUint(string(p[i+2:i+6]), 16, 16)
			if err != nil || utf16.IsSurrogate(rune(code)) {
				return nil, 0, false
			}
			to = utf8.AppendRune(to, rune(code))
			i += 5
		default:
			i++
			which := -1
			if i < len(p) {
				which = strings.IndexByte(simpleEscapes, p[i])
			}
			if which < 0 {
				return nil, 0, false
			}
			to = append(to, theySay[which])
		}
	}
	return to, len(p), true
}
