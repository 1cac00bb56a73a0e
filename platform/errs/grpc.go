package errs

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// domain marks ErrorInfo details as ours (google.rpc.ErrorInfo.domain).
const domain = "sluice.dev"

// GRPCStatus makes Error a status for grpc-go: code, text, ErrorInfo with the
// reason, BadRequest with the violations, RetryInfo when known.
func (e *Error) GRPCStatus() *status.Status {
	st := status.New(e.Code, e.Message)
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: string(e.Reason), Domain: domain, Metadata: e.metadata()}}
	if len(e.Violations) > 0 {
		bad := &errdetails.BadRequest{}
		for _, v := range e.Violations {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: v.Field, Description: v.Message, Reason: v.Code})
		}
		details = append(details, bad)
	}
	if e.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)})
	}
	withDetails, err := st.WithDetails(details...)
	if err != nil {
		return st
	}
	return withDetails
}

// metadata carries what BadRequest has no room for: positions and hints.
func (e *Error) metadata() map[string]string {
	m := map[string]string{}
	for i, v := range e.Violations {
		n := strconv.Itoa(i)
		if v.Line > 0 {
			m["line_"+n], m["column_"+n] = strconv.Itoa(v.Line), strconv.Itoa(v.Column)
		}
		if v.Hint != "" {
			m["hint_"+n] = v.Hint
		}
	}
	return m
}

// FromGRPC turns what a gRPC client returned back into an Error; nil stays nil.
func FromGRPC(err error) error {
	if err == nil {
		return nil
	}
	if e := As(err); e != nil {
		return e
	}
	st, ok := status.FromError(err)
	if !ok {
		return fromContext(err)
	}
	e := &Error{Code: st.Code(), Reason: reasonOf(st.Code()), Message: st.Message()}
	var positions map[string]string
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			e.Reason, positions = Reason(info.GetReason()), info.GetMetadata()
		}
		e.readDetail(d)
	}
	e.readPositions(positions)
	return e
}

// readPositions is the inverse of metadata.
func (e *Error) readPositions(m map[string]string) {
	for i := range e.Violations {
		n := strconv.Itoa(i)
		e.Violations[i].Line, _ = strconv.Atoi(m["line_"+n])
		e.Violations[i].Column, _ = strconv.Atoi(m["column_"+n])
		e.Violations[i].Hint = m["hint_"+n]
	}
}

func fromContext(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return New(codes.DeadlineExceeded, ReasonUnavailable, "the call took too long").Because(err)
	case errors.Is(err, context.Canceled):
		return New(codes.Canceled, ReasonUnavailable, "the call was cancelled").Because(err)
	}
	return Internal(err)
}

func (e *Error) readDetail(detail any) {
	switch d := detail.(type) {
	case *errdetails.BadRequest:
		for _, v := range d.GetFieldViolations() {
			e.Violations = append(e.Violations, Violation{Field: v.GetField(), Message: v.GetDescription(), Code: v.GetReason()})
		}
	case *errdetails.RetryInfo:
		e.RetryAfter = d.GetRetryDelay().AsDuration().Truncate(time.Millisecond)
	}
}

// reasonOf is the reason of a status that carries no ErrorInfo.
func reasonOf(code codes.Code) Reason {
	switch code {
	case codes.InvalidArgument:
		return ReasonInvalid
	case codes.NotFound:
		return ReasonNotFound
	case codes.AlreadyExists:
		return ReasonAlreadyExists
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return ReasonUnavailable
	case codes.FailedPrecondition:
		return ReasonPrecondition
	}
	return ReasonInternal
}
