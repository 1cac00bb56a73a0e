// Package sqltext cuts ClickHouse's SQL into tokens: enough to tell statements
// apart and find their ends, no more. It parses no grammar.
package sqltext

import (
	"strings"
	"unicode/utf8"
)

// Token is a piece of SQL that isn't space or a comment.
type Token struct {
	Start, End int    // byte offsets
	Text       string // as written, with quotes; empty at the end of the SQL
}

// Is reports whether the token is the given keyword (in upper case) or sign.
func (t Token) Is(word string) bool { return strings.EqualFold(t.Text, word) }

// IsAny reports whether the token is one of the given keywords or signs.
func (t Token) IsAny(words ...string) bool {
	for _, word := range words {
		if t.Is(word) {
			return true
		}
	}
	return false
}

// Identifier is the token as a name, without its quotes.
func (t Token) Identifier() string {
	if len(t.Text) >= 2 && (t.Text[0] == '`' || t.Text[0] == '"') {
		quote := t.Text[:1]
		inner := t.Text[1 : len(t.Text)-1]
		return strings.NewReplacer(`\\`, `\`, `\`+quote, quote, quote+quote, quote).Replace(inner)
	}
	return t.Text
}

// Lexer reads the tokens of SQL one by one.
type Lexer struct {
	SQL string
	pos int
}

// Next returns the next token; its text is empty at the end.
func (l *Lexer) Next() Token {
	l.skipBlank()
	start := l.pos
	if start >= len(l.SQL) {
		return Token{Start: start, End: start}
	}
	switch c := l.SQL[start]; {
	case c == '\'' || c == '"' || c == '`':
		l.pos = SkipQuoted(l.SQL, start)
	case isWord(c):
		for l.pos < len(l.SQL) && isWord(l.SQL[l.pos]) {
			l.pos++
		}
	default:
		_, size := utf8.DecodeRuneInString(l.SQL[start:])
		l.pos += size
	}
	return Token{Start: start, End: l.pos, Text: l.SQL[start:l.pos]}
}

// Peek returns the next token without moving past it.
func (l *Lexer) Peek() Token {
	at := l.pos
	t := l.Next()
	l.pos = at
	return t
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= utf8.RuneSelf || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (l *Lexer) skipBlank() {
	for l.pos < len(l.SQL) {
		rest := l.SQL[l.pos:]
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

func (l *Lexer) skipPast(rest, end string) {
	if at := strings.Index(rest, end); at >= 0 {
		l.pos += at + len(end)
		return
	}
	l.pos = len(l.SQL)
}

// SkipParens moves past a parenthesised text whose opening was just read and
// reports the index after its end.
func (l *Lexer) SkipParens() int {
	for depth := 1; depth > 0; {
		switch t := l.Next(); {
		case t.Text == "":
			return l.pos
		case t.Text == "(":
			depth++
		case t.Text == ")":
			depth--
		}
	}
	return l.pos
}

// SkipQuoted returns the index after the quoted text that begins at i; an
// unclosed one reaches to the end.
func SkipQuoted(s string, i int) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

// Statements cuts a script at its semicolons and leaves out empty statements.
func Statements(script string) []string {
	var statements []string
	l := &Lexer{SQL: script}
	start, end := -1, 0
	for {
		t := l.Next()
		if t.Text != "" && t.Text != ";" {
			if start < 0 {
				start = t.Start
			}
			end = t.End
			continue
		}
		if start >= 0 {
			statements = append(statements, script[start:end])
			start = -1
		}
		if t.Text == "" {
			return statements
		}
	}
}
