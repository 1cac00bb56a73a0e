package search

import (
	"slices"
)

// maxHints bounds the hints of one query.
const maxHints = 5

// Hints says for people what makes the query slow: tests that no index serves and
// that read long texts of every exchange in the time range. It is empty when an
// index serves the query, or when only short columns are read.
func (q *Query) Hints() []string {
	if len(q.Needles()) > 0 { // the index of all text narrows it down
		return nil
	}
	h := &hinter{}
	h.node(q.root)
	return h.hints
}

type hinter struct{ hints []string }

func (h *hinter) node(n node) {
	switch n := n.(type) {
	case junction:
		if !n.or && slices.ContainsFunc(n.operands, indexed) {
			return
		}
		for _, operand := range n.operands {
			h.node(operand)
		}
	case not:
		h.node(n.operand)
	case words:
		h.words(n)
	case leaf:
		if what := longReads(n); what != "" {
			h.add(printSearch(n) + " reads " + what + " of every exchange in the time range")
		}
	}
}

func (h *hinter) words(n words) {
	switch {
	case n.everywhere:
		h.add(printSearch(n) + " reads every header, body and log entry in the time range; name the field if you can")
	case !indexed(n):
		h.add(printSearch(n) + " reads the message of every exchange in the time range; a whole word of letters and digits is found by an index")
	}
}

// add keeps a hint, once.
func (h *hinter) add(text string) {
	if len(h.hints) < maxHints && !slices.Contains(h.hints, text) {
		h.hints = append(h.hints, text)
	}
}

func printSearch(n node) string { return (&Query{root: n}).String() }

// indexedColumns have an index that finds one value.
var indexedColumns = []string{"id", "replay_of", "trace_id", "client_ip", "user_name", "path"}

// indexed reports whether an index finds the exchanges for which n can be true.
func indexed(n node) bool {
	switch n := n.(type) {
	case junction:
		if n.or {
			return !slices.ContainsFunc(n.operands, func(operand node) bool { return !indexed(operand) })
		}
		return slices.ContainsFunc(n.operands, indexed)
	case words:
		text, plain := n.pattern.text()
		return !n.everywhere && plain && isASCIIWord(text)
	case leaf:
		_, isEqual := n.test.(equal)
		return isEqual && n.ref.field != nil && slices.Contains(indexedColumns, n.ref.field.Column)
	}
	return false
}

// longReads names what a test has to read that is long; empty if it is short.
func longReads(l leaf) string {
	f := l.ref.field
	switch {
	case f == nil && l.ref.attribute():
		return "the log entries"
	case f == nil:
		return ""
	}
	switch f.Column {
	case "req_body", "res_body":
		return "the body"
	case "req_headers", "res_headers":
		return "the headers"
	}
	_, isRegexp := l.test.(matches)
	g, isGlob := l.test.(glob)
	if !isRegexp && !isGlob || !f.long() {
		return ""
	}
	if _, ok := g.pattern.prefix(); isGlob && ok {
		return ""
	}
	return "the whole text of the field"
}

// long reports whether the values of the field are many and may be long.
func (f *Field) long() bool {
	return slices.Contains([]string{"url", "path", "query", "user_agent", "error_message"}, f.Column)
}
