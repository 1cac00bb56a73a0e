// Package errs is the one error type that crosses Sluice's service
// boundaries: a gRPC code, a stable machine-readable reason, a text for
// people and, where it helps, where in the input the fault lies.
//
// A store deep inside returns errs.NotFound and the REST edge answers 404 with
// no mapping code in between. The cause wrapped with [Error.Because] is for the
// log of the process that saw it; it never crosses the wire.
package errs

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
)

// Reason names one kind of failure for programs: upper snake case, never
// reused for another meaning.
type Reason string

// Reasons that any service may give. Packages declare further ones of their own.
const (
	ReasonInvalid       Reason = "INVALID_ARGUMENT"
	ReasonUnknownField  Reason = "UNKNOWN_FIELD"
	ReasonNotFound      Reason = "NOT_FOUND"
	ReasonAlreadyExists Reason = "ALREADY_EXISTS"
	ReasonConflict      Reason = "REVISION_CONFLICT"
	ReasonUnavailable   Reason = "UNAVAILABLE"
	ReasonInternal      Reason = "INTERNAL"
	ReasonNoKey         Reason = "API_KEY_MISSING"
	ReasonBadKey        Reason = "API_KEY_UNKNOWN"
	ReasonScope         Reason = "API_KEY_SCOPE"
	ReasonTooLarge      Reason = "TOO_LARGE"
	ReasonPrecondition  Reason = "FAILED_PRECONDITION"
)

// Violation is one fault in the caller's input.
type Violation struct {
	Field   string // path to the faulty field, such as "traffic_policy" or "on_http_request[0].actions[1].config.rate"
	Message string // what is wrong
	Hint    string // what would be right; may be empty
	Line    int    // 1-based line in Field's text, 0 when it has none
	Column  int    // 1-based column, 0 when it has none
	Code    string // a stable code, such as "SLUICE_2203"; may be empty
}

// Error is a failure as the caller may see it.
type Error struct {
	Code       codes.Code
	Reason     Reason
	Message    string
	Violations []Violation
	RetryAfter time.Duration // 0: nothing is known about when to try again
	cause      error
}

// New returns an error with a formatted text for people.
func New(code codes.Code, reason Reason, format string, args ...any) *Error {
	return &Error{Code: code, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Invalid is a fault in the caller's input that the caller can mend.
func Invalid(format string, args ...any) *Error {
	return New(codes.InvalidArgument, ReasonInvalid, format, args...)
}

// InvalidField is Invalid about one field.
func InvalidField(field, format string, args ...any) *Error {
	text := fmt.Sprintf(format, args...)
	return New(codes.InvalidArgument, ReasonInvalid, "%s: %s", field, text).With(Violation{Field: field, Message: text})
}

// NotFound says that no resource of this kind has this id.
func NotFound(kind, id string) *Error {
	return New(codes.NotFound, ReasonNotFound, "no %s has the id %q", kind, id)
}

// Unavailable is a failure that may pass by itself.
func Unavailable(format string, args ...any) *Error {
	return New(codes.Unavailable, ReasonUnavailable, format, args...)
}

// Internal hides cause from the caller; the log of this process has it.
func Internal(cause error) *Error {
	return New(codes.Internal, ReasonInternal, "an internal error occurred; the server's log has the details").Because(cause)
}

// Error is the text for the log: it includes the cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Because attaches a cause that stays in this process.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// With adds faults in the input.
func (e *Error) With(v ...Violation) *Error {
	e.Violations = append(e.Violations, v...)
	return e
}

// As finds the Error in err's chain, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// Is reports whether err carries the given reason.
func Is(err error, reason Reason) bool {
	e := As(err)
	return e != nil && e.Reason == reason
}
