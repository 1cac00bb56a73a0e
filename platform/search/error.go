package search

import (
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sluice.dev/platform/errs"
)

// ReasonSyntax marks a query that [Parse] refused.
const ReasonSyntax errs.Reason = "SEARCH_SYNTAX"

// Codes of the violation a SyntaxError becomes.
const (
	codeSyntax      = "SLUICE_5404" // the filter is invalid
	codeUnsupported = "SLUICE_5406" // the field exists, but cannot be searched
)

// SyntaxError says where a query is wrong and what would be right. It is found
// as an [errs.Error] by errors.As and becomes that one on the wire.
type SyntaxError struct {
	Offset   int    // in bytes from the start of the query
	Length   int    // of the faulty part in bytes; 0 when something is missing at Offset
	Message  string // what is wrong
	Expected string // what could stand here; may be empty
	Hint     string // how to mend it; may be empty

	code string
}

// Error names the position as people count: columns from 1.
func (e *SyntaxError) Error() string {
	text := fmt.Sprintf("column %d: %s", e.Offset+1, e.Message)
	if e.Expected != "" {
		text += "; expected " + e.Expected
	}
	return text
}

// Status is the error as it crosses a service boundary: InvalidArgument with
// [ReasonSyntax] and one violation of the field "filter".
func (e *SyntaxError) Status() *errs.Error {
	code := e.code
	if code == "" {
		code = codeSyntax
	}
	hint := e.Hint
	if hint == "" && e.Expected != "" {
		hint = "expected " + e.Expected
	}
	return errs.New(codes.InvalidArgument, ReasonSyntax, "filter: %s", e.Error()).With(errs.Violation{
		Field: "filter", Message: e.Message, Hint: hint, Line: 1, Column: e.Offset + 1, Code: code,
	})
}

// As lets errors.As, and so errs.As, find the errs.Error.
func (e *SyntaxError) As(target any) bool {
	t, ok := target.(**errs.Error)
	if ok {
		*t = e.Status()
	}
	return ok
}

// GRPCStatus lets a handler return the error as it is.
func (e *SyntaxError) GRPCStatus() *status.Status { return e.Status().GRPCStatus() }
