package trafficpolicy

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// source is the text of a document, to turn positions inside a value into
// positions in the document.
type source struct{ lines []string }

func newSource(text string) *source { return &source{lines: strings.Split(text, "\n")} }

// locate returns where byte offset of the scalar's value stands in the
// document. Where escapes or folding make that uncertain it returns the start
// of the scalar.
func (s *source) locate(n *yaml.Node, offset int) (line, column int) {
	if offset > len(n.Value) {
		offset = len(n.Value)
	}
	before := n.Value[:offset]
	row := strings.Count(before, "\n")
	start := strings.LastIndexByte(before, '\n') + 1
	text, _, _ := strings.Cut(n.Value[start:], "\n")
	if text == "" {
		return n.Line, n.Column
	}
	first := n.Line
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		first++ // the text begins below its indicator
	}
	at := first + row
	if at > len(s.lines) {
		return n.Line, n.Column
	}
	from := 0
	if at == n.Line {
		from = min(n.Column-1, len(s.lines[at-1]))
	}
	i := strings.Index(s.lines[at-1][from:], text)
	if i < 0 {
		return n.Line, n.Column
	}
	return at, from + i + offset - start + 1
}

// bang reports whether a lone ! stands before a value: YAML reads it as a tag
// without a name and drops it, which would turn a condition into its opposite.
func (s *source) bang(n *yaml.Node) bool {
	if n.Line < 1 || n.Line > len(s.lines) || n.Column-1 > len(s.lines[n.Line-1]) {
		return false
	}
	return n.Kind == yaml.ScalarNode && strings.HasPrefix(s.lines[n.Line-1][n.Column-1:], "! ")
}
