package native

import (
	"strings"
	"unicode/utf8"
)

// token is a piece of SQL that isn't space or a comment.
type token struct {
	start, end int
	text       string // as written, with quotes
}

// is reports whether the token is the given keyword (in upper case) or sign.
func (t token) is(word string) bool { return strings.EqualFold(t.text, word) }

func (t token) isAny(words ...string) bool {
	for _, word := range words {
		if t.is(word) {
			return true
		}
	}
	return false
}

// identifier is the token as a name, without its quotes.
func (t token) identifier() string {
	if len(t.text) >= 2 && (t.text[0] == '`' || t.text[0] == '"') {
		quote := t.text[:1]
		inner := t.text[1 : len(t.text)-1]
		return strings.NewReplacer(`\\`, `\`, `\`+quote, quote, quote+quote, quote).Replace(inner)
	}
	return t.text
}

// lexer cuts SQL into tokens, as far as telling statements apart needs it.
type lexer struct {
	sql string
	pos int
}

// next returns the next token; its text is empty at the end.
func (l *lexer) next() token {
	l.skipBlank()
	start := l.pos
	if start >= len(l.sql) {
		return token{start: start, end: start}
	}
	switch c := l.sql[start]; {
	case c == '\'' || c == '"' || c == '`':
		l.pos = skipQuoted(l.sql, start)
	case isWord(c):
		for l.pos < len(l.sql) && isWord(l.sql[l.pos]) {
			l.pos++
		}
	default:
		_, size := utf8.DecodeRuneInString(l.sql[start:])
		l.pos += size
	}
	return token{start: start, end: l.pos, text: l.sql[start:l.pos]}
}

func (l *lexer) peek() token {
	at := l.pos
	t := l.next()
	l.pos = at
	return t
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= utf8.RuneSelf || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (l *lexer) skipBlank() {
	for l.pos < len(l.sql) {
		rest := l.sql[l.pos:]
		switch {
		case strings.ContainsRune(" \t\r\n\f\v\x00", rune(rest[0])):
			l.pos++
		case strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "# ") || strings.HasPrefix(rest, "#!"):
			l.skipPast(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			l.skipPast(rest, "*/")
		default:
			return
		}
	}
}

func (l *lexer) skipPast(rest, end string) {
	if at := strings.Index(rest, end); at >= 0 {
		l.pos += at + len(end)
		return
	}
	l.pos = len(l.sql)
}

// skipParens moves past a parenthesised text whose opening was just read and
// reports the index after its end.
func (l *lexer) skipParens() int {
	for depth := 1; depth > 0; {
		switch t := l.next(); {
		case t.text == "":
			return l.pos
		case t.text == "(":
			depth++
		case t.text == ")":
			depth--
		}
	}
	return l.pos
}
