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
