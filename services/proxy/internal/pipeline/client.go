// Package pipeline takes one request from its head to the last byte of its
// response: it finds the endpoint, runs the Traffic Policy, calls the upstream
// and records the exchange.
//
// It works on platform/message types; what speaks HTTP with the client stands in
// front of it as a [Client].
package pipeline

import (
	"io"

	"sluice.dev/platform/message"
)

// Client is the way back to who sent the request, given by a front end. Its
// methods are not called concurrently.
type Client interface {
	// Informational sends a 1xx response other than 101.
	Informational(status int, header message.Header) error
	// Respond sends a whole response: head, Body, then Trailer as it stands after
	// the body's end. It closes Body. With flush each part is sent at once. A
	// failure of Body is a *BodyError; any other error is the client's.
	Respond(res *message.Response, flush bool) error
	// Upgrade sends a 101 response and carries bytes between the client and the
	// upstream until both are done.
	Upgrade(res *message.Response, upstream io.ReadWriteCloser) error
}

// BodyError says that a response's body broke off.
type BodyError struct{ Cause error }

// Error is the cause's text.
func (e *BodyError) Error() string { return "the response body broke off: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *BodyError) Unwrap() error { return e.Cause }
