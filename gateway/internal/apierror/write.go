// Package apierror writes every error of the HTTP side in one shape.
package apierror

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
)

// RequestIDHeader names a request in answers, errors and the log.
const RequestIDHeader = "X-Request-Id"

// Reasons of failures that only HTTP knows.
const (
	ReasonMethod    errs.Reason = "METHOD_NOT_ALLOWED"
	ReasonMediaType errs.Reason = "UNSUPPORTED_MEDIA_TYPE"
	ReasonParameter errs.Reason = "UNKNOWN_PARAMETER"
	ReasonHost      errs.Reason = "HOST_NOT_ALLOWED"
	ReasonOrigin    errs.Reason = "CROSS_ORIGIN"
)

// statuses are HTTP's own, where the gRPC code says less.
var statuses = map[errs.Reason]int{
	ReasonMethod:        http.StatusMethodNotAllowed,
	ReasonMediaType:     http.StatusUnsupportedMediaType,
	errs.ReasonTooLarge: http.StatusRequestEntityTooLarge,
}

// Body is the shape.
type Body struct {
	Error Detail `json:"error"`
}

// Detail is the error itself.
type Detail struct {
	Code       string      `json:"code"`
	Reason     string      `json:"reason"`
	Message    string      `json:"message"`
	Status     int         `json:"status"`
	Violations []Violation `json:"violations"`
	RequestID  string      `json:"request_id"`
}

// Violation is one fault in the input. Line and column are 1-based, absent when
// the field has none.
type Violation struct {
	Field   string `json:"field"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Code    string `json:"code,omitempty"`
}

// Of returns err in the shape.
func Of(err error, requestID string) Body {
	e := errs.As(errs.FromGRPC(err))
	d := Detail{
		Code: code.Code(e.Code).String(), Reason: string(e.Reason), Message: e.Message, Status: Status(e),
		RequestID: requestID, Violations: make([]Violation, 0, len(e.Violations)),
	}
	for _, v := range e.Violations {
		d.Violations = append(d.Violations, Violation(v))
	}
	return Body{Error: d}
}

// Status is the HTTP status of an error.
func Status(e *errs.Error) int {
	if s, ok := statuses[e.Reason]; ok {
		return s
	}
	return runtime.HTTPStatusFromCode(e.Code)
}

// Write answers with err.
func Write(w http.ResponseWriter, err error) {
	body := Of(err, w.Header().Get(RequestIDHeader))
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Del("Content-Length")
	if body.Error.Code == code.Code(codes.Unauthenticated).String() {
		h.Set("WWW-Authenticate", `Bearer realm="sluice"`)
	}
	if e := errs.As(errs.FromGRPC(err)); e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(body.Error.Status)
	_ = json.NewEncoder(w).Encode(body) // the client went away: nobody is left to tell
}
