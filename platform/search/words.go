package search

import (
	"slices"
	"strings"
)

// Free text, once for ClickHouse and once for memory. A word is a run of ASCII
// letters and digits and of everything beyond ASCII, as in ClickHouse's tokens.
// Without case, ClickHouse compares by luck what is not UTF-8; memory does not
// try to do the same.

const messageColumn = "message"

// textColumns are what *:word searches besides the message and the headers.
var textColumns = func() []string {
	var columns []string
	for _, f := range fields {
		plain := f.Type == Text && f.Column != "" && f.derive == nil && !f.query && f.member == "" && !f.Family && !f.array
		if plain && !slices.Contains(columns, f.Column) {
			columns = append(columns, f.Column)
		}
	}
	return columns
}()

// listColumns are those with any number of texts, and how to get all of them.
var listColumns = []struct{ column, all string }{
	{"req_headers", "arrayFlatten(mapValues(req_headers))"},
	{"res_headers", "arrayFlatten(mapValues(res_headers))"},
	{logColumn, logColumn},
}

func (c *compiler) words(n words) string {
	if n.everywhere {
		return c.everywhere(n.pattern)
	}
	text, plain := n.pattern.text()
	switch {
	case plain && isASCIIWord(text):
		return "hasTokenCaseInsensitive(" + messageColumn + ", " + c.text(text) + ")"
	case plain:
		return contains(messageColumn, c.text(text))
	case n.pattern.inOneWord():
		return "arrayExists(v -> v ILIKE " + c.text(n.pattern.like()) + ", tokens(" + messageColumn + "))"
	}
	return messageColumn + " ILIKE " + c.text(n.pattern.within().like())
}

func (c *compiler) everywhere(p pattern) string {
	holds := func(column, placeholder string) string { return column + " ILIKE " + placeholder }
	needle := p.within().like()
	if text, plain := p.text(); plain {
		holds, needle = contains, text
	}
	placeholder := c.text(needle)
	parts := []string{holds(messageColumn, placeholder)}
	for _, column := range textColumns {
		parts = append(parts, holds(column, placeholder))
	}
	for _, l := range listColumns {
		parts = append(parts, "arrayExists(v -> "+holds("v", placeholder)+", "+l.all+")")
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

func contains(column, placeholder string) string {
	return "positionCaseInsensitiveUTF8(" + column + ", " + placeholder + ") > 0"
}

// inRecord evaluates the words on a record.
func (n words) inRecord(r Record) bool {
	message := first(r.Text(messageColumn, ""))
	if !n.everywhere {
		return n.inMessage(message)
	}
	in := n.pattern.finder()
	if in(message) {
		return true
	}
	for _, column := range textColumns {
		if slices.ContainsFunc(r.Text(column, ""), in) {
			return true
		}
	}
	for _, l := range listColumns {
		if slices.ContainsFunc(r.Text(l.column, ""), in) {
			return true
		}
	}
	return false
}

func (n words) inMessage(message string) bool {
	text, plain := n.pattern.text()
	switch {
	case plain && isASCIIWord(text):
		want := lowerASCII(text)
		return slices.ContainsFunc(tokens(message), func(token string) bool { return lowerASCII(token) == want })
	case n.pattern.inOneWord():
		return slices.ContainsFunc(tokens(message), func(token string) bool { return n.pattern.matches(token, true) })
	}
	return n.pattern.finder()(message)
}

// finder looks for the pattern anywhere in a text, without case.
func (p pattern) finder() func(string) bool {
	if text, plain := p.text(); plain {
		want := strings.ToLower(text)
		return func(s string) bool { return strings.Contains(strings.ToLower(s), want) }
	}
	open := p.within()
	return func(s string) bool { return open.matches(s, true) }
}

// inOneWord reports whether the pattern's text is all of letters and digits and
// it has wildcards, so that it is held against the words of the message.
func (p pattern) inOneWord() bool {
	_, plain := p.text()
	return !plain && !slices.ContainsFunc(p, func(x piece) bool { return strings.IndexFunc(x.text, isSeparator) >= 0 })
}

func tokens(s string) []string { return strings.FieldsFunc(s, isSeparator) }

func isSeparator(r rune) bool { return r < 0x80 && !isLetterOrDigit(r) }

func isLetterOrDigit(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

func isASCIIWord(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !isLetterOrDigit(r) }) < 0
}
