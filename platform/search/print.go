package search

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// String prints the query in canonical form: canonical field names, every
// operator written and every operation but the outermost in parentheses.
// Parsing it gives the same query, unless the text outgrew the limit of length. A
// query with a regular expression, which only CEL has, is printed in CEL.
func (q *Query) String() string {
	if hasRegexp(q.root) {
		return celPrefix + " " + q.CEL()
	}
	return printNode(q.root, true)
}

func hasRegexp(n node) bool {
	switch n := n.(type) {
	case junction:
		return slices.ContainsFunc(n.operands, hasRegexp)
	case not:
		return hasRegexp(n.operand)
	case leaf:
		_, is := n.test.(matches)
		return is
	}
	return false
}

func printNode(n node, outermost bool) string {
	switch n := n.(type) {
	case junction:
		return printJunction(n, outermost)
	case not:
		return "NOT " + printNode(n.operand, false)
	case words:
		return printWords(n)
	case leaf:
		return printLeaf(n)
	}
	return "*"
}

func printJunction(n junction, outermost bool) string {
	parts := make([]string, len(n.operands))
	for i, operand := range n.operands {
		parts[i] = printNode(operand, false)
	}
	operator := " AND "
	if n.or {
		operator = " OR "
	}
	text := strings.Join(parts, operator)
	if outermost {
		return text
	}
	return "(" + text + ")"
}

func printWords(n words) string {
	prefix := ""
	if n.everywhere {
		prefix = "*:"
	}
	if text, plain := n.pattern.text(); plain {
		return prefix + quote(text)
	}
	return prefix + escapePattern(n.pattern)
}

func printLeaf(l leaf) string {
	name := l.ref.name() + ":"
	switch t := l.test.(type) {
	case equal:
		return name + l.ref.print(t.value)
	case glob:
		return name + escapePattern(t.pattern)
	case interval:
		return name + printInterval(l.ref, t)
	case blocks:
		args := l.ref.name()
		for _, block := range t.prefixes {
			args += ", " + block.String()
		}
		return "CIDR(" + args + ")"
	}
	return name + "*"
}

func printInterval(r ref, t interval) string {
	switch {
	case !t.high.set && t.low.inclusive:
		return ">=" + r.print(t.low.value)
	case !t.high.set:
		return ">" + r.print(t.low.value)
	case !t.low.set && t.high.inclusive:
		return "<=" + r.print(t.high.value)
	case !t.low.set:
		return "<" + r.print(t.high.value)
	}
	opening, closing := "{", "}"
	if t.low.inclusive {
		opening = "["
	}
	if t.high.inclusive {
		closing = "]"
	}
	return opening + r.print(t.low.value) + " TO " + r.print(t.high.value) + closing
}

func (r ref) print(v value) string {
	if r.field == nil {
		return quote(v.text)
	}
	switch r.field.Type {
	case Integer, Bytes:
		return strconv.FormatInt(v.number, 10)
	case Duration:
		return withUnit(v.number)
	case Boolean:
		return strconv.FormatBool(v.number != 0)
	case Address:
		return v.addr.String()
	case Time:
		return printTime(v)
	}
	return quote(v.text)
}

func printTime(v value) string {
	switch {
	case !v.toNow:
		return time.Unix(0, v.number).UTC().Format(time.RFC3339Nano)
	case v.number == 0:
		return "now"
	}
	return "now" + withUnit(v.number)
}

// quote writes text bare if it is a plain word, else as a phrase.
func quote(text string) string {
	if isPlain(text) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

func isPlain(text string) bool {
	if text == "" || slices.Contains(keywords, text) || !isPlainRune(rune(text[0])) {
		return false
	}
	return strings.IndexFunc(text, func(r rune) bool { return !isPlainRune(r) && r != '-' && r != '.' && r != '/' }) < 0
}

func isPlainRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
}

func escapePattern(p pattern) string {
	var b strings.Builder
	for _, piece := range p {
		if piece.wild != 0 {
			b.WriteByte(piece.wild)
			continue
		}
		escapeInto(&b, piece.text)
	}
	return b.String()
}

// escapePath writes a name so that the lexer reads it back.
func escapePath(name string) string {
	var b strings.Builder
	rest := name
	if after, ok := strings.CutPrefix(name, "@"); ok {
		b.WriteByte('@')
		rest = after
	}
	if strings.HasPrefix(rest, "_") { // _exists_ and _missing_ are no names
		b.WriteByte('\\')
	}
	escapeInto(&b, rest)
	return b.String()
}

// escapeInto puts a backslash before all but letters, digits and a few harmless signs.
func escapeInto(b *strings.Builder, text string) {
	for _, r := range text {
		if !isPlainRune(r) && !unicode.IsLetter(r) && r != '.' && r != '/' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
}
