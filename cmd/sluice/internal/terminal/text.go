package terminal

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"sluice.dev/platform/errs"
)

// printable is Clean for texts of several lines.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return '·'
		}
		return r
	}, s)
}

// Error is err for people: every fault with its place, what is wrong and what
// would be right. file names the input that violations point into; may be empty.
func Error(err error, file string) string {
	var e *errs.Error
	if !errors.As(err, &e) || len(e.Violations) == 0 {
		return err.Error()
	}
	var b strings.Builder
	for i, v := range e.Violations {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(Violation(v, file))
	}
	return b.String()
}

// Violation is one fault as "file:line:column: path: message [code]", with the
// hint on a line of its own.
func Violation(v errs.Violation, file string) string {
	var b strings.Builder
	if file != "" {
		b.WriteString(file + ":")
	}
	if v.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", v.Line, v.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if v.Field != "" {
		b.WriteString(v.Field + ": ")
	}
	b.WriteString(v.Message)
	if v.Code != "" {
		b.WriteString(" [" + v.Code + "]")
	}
	if v.Hint != "" {
		b.WriteString("\n    " + v.Hint)
	}
	return b.String()
}
