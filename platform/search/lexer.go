package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxPattern = 1 << 10 // bytes of one word or phrase

// lexer reads the query from pos on. What a character means depends on where it
// stands (a "-" negates a term but signs a number), so the parser says what it
// wants instead of taking tokens from a stream.
type lexer struct {
	query string
	pos   int
}

// word is a pattern and where it was written.
type word struct {
	pattern  pattern
	pos, end int
	quoted   bool
}

func (l *lexer) raw(w word) string { return l.query[w.pos:w.end] }

// peek returns the next rune and its size, 0 at the end.
func (l *lexer) peek() (rune, int) {
	if l.pos == len(l.query) {
		return 0, 0
	}
	return utf8.DecodeRuneInString(l.query[l.pos:])
}

func (l *lexer) atEnd() bool { return l.pos == len(l.query) }

func (l *lexer) has(prefix string) bool { return strings.HasPrefix(l.query[l.pos:], prefix) }

func (l *lexer) eat(prefix string) bool {
	if !l.has(prefix) {
		return false
	}
	l.pos += len(prefix)
	return true
}

func (l *lexer) skipSpace() {
	for r, size := l.peek(); size > 0 && unicode.IsSpace(r); r, size = l.peek() {
		l.pos += size
	}
}

// hasKeyword looks for one in upper case that is a whole word.
func (l *lexer) hasKeyword(keyword string) bool {
	if !l.has(keyword) {
		return false
	}
	rest := l.query[l.pos+len(keyword):]
	next, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || unicode.IsSpace(next) || strings.ContainsRune(`()[]{}"`, next)
}

func (l *lexer) eatKeyword(keyword string) bool {
	if !l.hasKeyword(keyword) {
		return false
	}
	l.pos += len(keyword)
	return true
}

// field reads "path:"; ok is false, and nothing is read, if none stands here.
func (l *lexer) field() (path string, ok bool) {
	var b strings.Builder
	pos := l.pos
	for pos < len(l.query) {
		r, size := utf8.DecodeRuneInString(l.query[pos:])
		pos += size
		switch {
		case r == ':' && b.Len() > 0:
			l.pos = pos
			return b.String(), true
		case r == '\\' && pos < len(l.query):
			_, size := utf8.DecodeRuneInString(l.query[pos:])
			b.WriteString(l.query[pos : pos+size])
			pos += size
		case r == '[':
			name, _, closed := strings.Cut(l.query[pos:], "]")
			if !closed || name == "" {
				return "", false
			}
			b.WriteString(name)
			pos += len(name) + 1
		case isPathRune(r):
			b.WriteRune(r)
		default:
			return "", false
		}
	}
	return "", false
}

func isPathRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-./$@", r)
}

// phrase reads a quoted text; it stands at the opening quote.
func (l *lexer) phrase() (word, error) {
	start := l.pos
	var b strings.Builder
	for l.pos++; ; {
		r, size := l.peek()
		l.pos += size
		switch {
		case size == 0 || r == '\\' && l.atEnd():
			return word{}, &SyntaxError{Offset: start, Length: len(l.query) - start, Message: "the quote is not closed", Expected: `"`}
		case r == '"':
			w := word{pattern: literal(b.String()), pos: start, end: l.pos, quoted: true}
			return w, l.checkSize(w)
		case r == '\\':
			r, size = l.peek()
			l.pos += size
		}
		b.WriteRune(r)
	}
}

// bare reads an unquoted word with its wildcards; in free text a colon is an
// error. The word is empty if none starts here.
func (l *lexer) bare(freeText bool) (word, error) {
	w := word{pos: l.pos}
	for {
		r, size := l.peek()
		switch {
		case size == 0 || unicode.IsSpace(r) || strings.ContainsRune(")]}", r) || l.has("||"):
			w.end = l.pos
			return w, l.checkSize(w)
		case r == '*' || r == '?':
			w.pattern = w.pattern.addWild(byte(r))
		case r == '\\':
			l.pos += size
			if r, size = l.peek(); size == 0 {
				return word{}, &SyntaxError{Offset: l.pos - 1, Length: 1, Message: "a backslash ends the query", Expected: "the character it escapes", Hint: `write \\ for a backslash`}
			}
			w.pattern = w.pattern.addText(string(r))
		default:
			if err := l.refuse(r, size, freeText); err != nil {
				return word{}, err
			}
			w.pattern = w.pattern.addText(string(r))
		}
		l.pos += size
	}
}

// refuse explains the characters that a bare word may not hold.
func (l *lexer) refuse(r rune, size int, freeText bool) error {
	fail := func(message, hint string) error {
		return &SyntaxError{Offset: l.pos, Length: size, Message: message, Hint: hint}
	}
	switch {
	case r == '~' || r == '^':
		return fail("fuzzy and boost are not supported", "quote the text, or put a backslash before the "+string(r))
	case r == '“' || r == '”' || r == '„' || r == '‟':
		return fail("curly quotes do not quote", `use straight quotes: "`)
	case strings.ContainsRune(`([{"<>`, r):
		return fail("a bare word cannot hold "+string(r), "quote the text, or put a backslash before it")
	case freeText && r == ':':
		return fail("what stands before the colon is no field name", `quote the text, or write \:`)
	}
	return nil
}

func (l *lexer) checkSize(w word) error {
	if w.end-w.pos <= maxPattern {
		return nil
	}
	return &SyntaxError{Offset: w.pos, Length: w.end - w.pos, Message: "a word or phrase may have at most 1024 bytes"}
}
