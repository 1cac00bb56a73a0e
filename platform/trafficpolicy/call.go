package trafficpolicy

import (
	"context"
	"errors"
	"io"

	"sluice.dev/platform/message"
)

// HTTPClient sends the requests that policies make. Package outbound has one
// that keeps them from addresses that are not meant for them.
type HTTPClient interface {
	// Do sends one request and returns its response as it is: no redirect is
	// followed, no coding undone. It gives up when ctx ends. An error wraps
	// [ErrAddress] when policies may not call the server.
	Do(ctx context.Context, req *OutboundRequest) (*OutboundResponse, error)
}

// ErrAddress says that the address of a server is not one that policies may
// call.
var ErrAddress = errors.New("policies may not call this address")

// OutboundRequest is a request that a policy makes.
type OutboundRequest struct {
	Method string
	URL    string // absolute, http or https
	Header message.Header
	Body   string
}

// OutboundResponse is the answer to it. The body must be closed.
type OutboundResponse struct {
	Status     int
	Header     message.Header
	Body       io.ReadCloser
	ResolvedIP string // of the server; "" when it does not show
}

// Header fields of requests that policies make.
const (
	// HeaderRequestType tells them from others; its value is "http-request".
	HeaderRequestType = "sluice-req-type"
	// HeaderRequestID names the exchange whose policy makes the request.
	HeaderRequestID = "sluice-req-id"
	// HeaderHops counts the policies that lead to a request.
	HeaderHops = "sluice-req-hops"
)

// maxCallHops is how many policies may lead to each other by requests.
const maxCallHops = 3
