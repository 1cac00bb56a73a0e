package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"sluice.dev/services/proxy/internal/answer"
	"sluice.dev/services/proxy/internal/http1"
	"sluice.dev/services/proxy/internal/http1/transport"
)

// ErrClientGone is why a call ended whose client went away or was cut off.
var ErrClientGone = errors.New("the client went away")

// CallError is a failed call as the client is told of it.
type CallError struct {
	answer.Failure
	cause      error
	unsendable bool // by no fault of the target
}

// Error is the text for logs.
func (e *CallError) Error() string { return e.Code + ": " + e.Message + ": " + e.cause.Error() }

// Unwrap returns the cause.
func (e *CallError) Unwrap() error { return e.cause }

// failure sorts what the transport returned into the published codes.
func failure(ctx context.Context, t *Target, err error) error {
	var body *http1.SourceError
	if errors.Is(ctx.Err(), context.Canceled) || errors.Is(err, errClientBody) || errors.As(err, &body) {
		return fmt.Errorf("%w: %w", ErrClientGone, err)
	}
	fail := func(status int, code, format string, args ...any) error {
		return &CallError{Failure: answer.Failure{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}, cause: err}
	}
	var connect *transport.ConnectError
	dialing := errors.As(err, &connect)
	var unsendable *http1.UnsendableError
	switch {
	case errors.Is(err, errBadTarget), errors.As(err, &unsendable):
		f := answer.Failure{Status: 502, Code: answer.CodeGateway, Message: fmt.Sprintf("the request cannot be sent on: %v", err)}
		return &CallError{Failure: f, cause: err, unsendable: true}
	case IsTimeout(err) && dialing:
		return fail(504, answer.CodeTimeout, "the upstream %s did not accept a connection in time", t.Address)
	case IsTimeout(err):
		return fail(504, answer.CodeTimeout, "the upstream %s did not answer in time", t.Address)
	case dialing && errors.Is(err, syscall.ECONNREFUSED):
		return fail(502, answer.CodeRefused, "the upstream %s refused the connection; is it running?", t.Address)
	case dialing, isTLS(err):
		return fail(502, answer.CodeNoConnection, "no connection to the upstream %s: %v", t.Address, rootCause(err))
	}
	return fail(502, answer.CodeBadResponse, "the answer of the upstream %s is invalid or incomplete: %v", t.Address, rootCause(err))
}

// IsTimeout reports whether err says that something took too long.
func IsTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

func isTLS(err error) bool {
	var record tls.RecordHeaderError
	var verify *tls.CertificateVerificationError
	var alert tls.AlertError
	var op *net.OpError
	return errors.As(err, &record) || errors.As(err, &verify) || errors.As(err, &alert) ||
		errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}

// rootCause drops what wrappers add: addresses that the text already has.
func rootCause(err error) error {
	var connect *transport.ConnectError
	if errors.As(err, &connect) {
		err = connect.Cause
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
