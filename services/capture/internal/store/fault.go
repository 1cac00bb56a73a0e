package store

import (
	"context"
	"errors"
	"io"
	"net"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"google.golang.org/grpc/codes"

	"sluice.dev/platform/errs"
)

// Reasons for which a search is given up.
const (
	ReasonTimeout errs.Reason = "QUERY_TIMEOUT"
	ReasonTooMuch errs.Reason = "QUERY_TOO_LARGE"
)

// Error codes of ClickHouse (its source, src/Common/ErrorCodes.cpp).
const (
	codeTooManyRows   = 158
	codeTimeout       = 159
	codeTooSlow       = 160
	codeMemoryLimit   = 241
	codeTooManyBytes  = 307
	codeTooManyQuery  = 202
	codeRowsOrBytes   = 396
	codeQueryCanceled = 394
)

const narrower = "narrow the time range or the filter"

// explain turns a failure of ClickHouse into one that says what to do.
func (s *Store) explain(err error) error {
	var exception *ch.Exception
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exception):
		return s.explainException(exception, err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case isNetwork(err):
		return errs.Unavailable("ClickHouse does not answer").Because(err)
	}
	return errs.Internal(err)
}

func (s *Store) explainException(e *ch.Exception, err error) error {
	switch e.Code {
	case codeTimeout, codeTooSlow:
		return errs.New(codes.DeadlineExceeded, ReasonTimeout, "the search took longer than %s; %s", s.limits.Time, narrower).Because(err)
	case codeTooManyRows, codeTooManyBytes, codeRowsOrBytes:
		return errs.New(codes.ResourceExhausted, ReasonTooMuch, "the search would read more than is allowed; %s", narrower).Because(err)
	case codeMemoryLimit:
		return errs.New(codes.ResourceExhausted, ReasonTooMuch, "the search needs more memory than ClickHouse may use; %s", narrower).Because(err)
	case codeTooManyQuery:
		return errs.Unavailable("ClickHouse runs too many queries at the moment").Because(err)
	case codeQueryCanceled:
		return errs.New(codes.Canceled, errs.ReasonUnavailable, "the search was cancelled").Because(err)
	}
	return errs.Internal(err)
}

func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, ch.ErrAcquireConnTimeout)
}
