package trafficpolicy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sluice.dev/platform/errs"
)

// Severity tells faults from advice.
type Severity string

// A document with an Error cannot be used; a Warning points at what is probably
// not meant.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is one thing wrong with a document.
type Problem struct {
	Path     string // such as "on_http_request[2].actions[0].config.rate"; "" for the whole
	Line     int    // 1-based
	Column   int    // 1-based, in bytes
	Code     Code
	Message  string // what is wrong
	Hint     string // what would be right; may be empty
	Severity Severity
}

// String is the problem as one line for people.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%d: %s: ", p.Line, p.Column, p.Severity)
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	fmt.Fprintf(&b, " [%s]", p.Code)
	return b.String()
}

// Problems are all problems of a document, in document order.
type Problems []Problem

// Errors returns the problems that make the document unusable.
func (ps Problems) Errors() Problems { return ps.only(Error) }

// Warnings returns the others.
func (ps Problems) Warnings() Problems { return ps.only(Warning) }

func (ps Problems) only(s Severity) Problems {
	var out Problems
	for _, p := range ps {
		if p.Severity == s {
			out = append(out, p)
		}
	}
	return out
}

// Err is nil when the document can be used, and otherwise an
// [errs.Error] (INVALID_ARGUMENT) with one violation for each error.
func (ps Problems) Err() error {
	bad := ps.Errors()
	if len(bad) == 0 {
		return nil
	}
	e := errs.Invalid("the traffic policy has %d %s; the first is at %s", len(bad), plural(len(bad), "error"), bad[0])
	for _, p := range bad {
		text := p.Message
		if p.Path != "" {
			text = p.Path + ": " + text
		}
		e = e.With(errs.Violation{Field: "traffic_policy", Message: text, Hint: p.Hint, Line: p.Line, Column: p.Column, Code: string(p.Code)})
	}
	return e
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ps
}
