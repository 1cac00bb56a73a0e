package search

import (
	"slices"
	"strings"
)

// Columns lists the columns, or expressions over columns, that the query's SQL
// reads, each once and sorted. Without any the query is the same for all captures.
func (q *Query) Columns() []string {
	var columns []string
	collect(q.root, &columns)
	slices.Sort(columns)
	return slices.Compact(columns)
}

func collect(n node, columns *[]string) {
	switch n := n.(type) {
	case junction:
		for _, operand := range n.operands {
			collect(operand, columns)
		}
	case not:
		collect(n.operand, columns)
	case words:
		*columns = append(*columns, messageColumn)
	case leaf:
		if n.ref.field != nil && n.ref.field.Constant == nil {
			*columns = append(*columns, n.ref.field.Column)
		} else if n.ref.field == nil {
			*columns = append(*columns, logColumn) // an attribute of the log, or nothing
		}
	}
}

// Clause is the clause that a field, named as [Lookup] takes it, has exactly this
// value, given as [Field.TextSQL] writes values.
func Clause(field, value string) string {
	f, _, ok := Lookup(field)
	if ok && f.Type == Address && strings.Contains(value, ":") {
		return field + ":" + strings.ReplaceAll(value, ":", `\:`)
	}
	return field + ":" + quote(value)
}

// minNeedle is the length from which on a word narrows a search.
const minNeedle = 4

// Needles are words, in lower case, of ASCII letters and digits, each of which is
// somewhere in the text of every capture that matches: an index can look for them
// before the query itself is evaluated.
func (q *Query) Needles() []string {
	operands := []node{q.root}
	if j, ok := q.root.(junction); ok && !j.or {
		operands = j.operands
	}
	var needles []string
	for _, n := range operands {
		if needle := longestRun(soughtText(n)); len(needle) >= minNeedle {
			needles = append(needles, strings.ToLower(needle))
		}
	}
	return needles
}

// soughtText is what must be in the text of a match, with a space for wildcards.
func soughtText(n node) string {
	switch n := n.(type) {
	case words:
		return piecesOf(n.pattern)
	case leaf:
		if f := n.ref.field; f == nil || f.Column != "req_body" && f.Column != "res_body" {
			return ""
		}
		switch t := n.test.(type) {
		case equal:
			return t.value.text
		case glob:
			return piecesOf(t.pattern)
		}
	}
	return ""
}

func piecesOf(p pattern) string {
	var b strings.Builder
	for _, one := range p {
		b.WriteString(one.text + " ")
	}
	return b.String()
}

func longestRun(text string) (longest string) {
	for _, run := range strings.FieldsFunc(text, func(r rune) bool { return !isPlainRune(r) || r == '_' }) {
		if len(run) > len(longest) {
			longest = run
		}
	}
	return longest
}
