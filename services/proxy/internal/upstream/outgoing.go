package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"sync/atomic"

	"sluice.dev/platform/message"
)

// errBadTarget: a policy made a request-target that cannot stand in a request.
var errBadTarget = errors.New("the request-target has a space or a control character")

// outgoing is req as net/http sends it.
func outgoing(ctx context.Context, t *Target, req *message.Request) (*http.Request, error) {
	for i := 0; i < len(req.Target); i++ {
		if c := req.Target[i]; c <= ' ' || c == 0x7f {
			return nil, fmt.Errorf("%w at offset %d", errBadTarget, i)
		}
	}
	header := make(http.Header, len(req.Header)+4)
	header["User-Agent"] = nil // or net/http would add its own
	copyEndToEnd(header, req.Header)
	out := &http.Request{
		Method: req.Method, URL: t.url(req.Target), Host: req.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	setBody(out, req)
	return out.WithContext(ctx), nil
}

// setBody hands on the body, its length and the names of its trailers.
func setBody(out *http.Request, req *message.Request) {
	if req.Body == nil || req.ContentLength == 0 {
		return
	}
	b := &requestBody{source: req.Body, request: req, trailer: make(http.Header, len(req.Trailer))}
	for _, f := range req.Trailer {
		b.trailer[textproto.CanonicalMIMEHeaderKey(f.Name)] = nil
	}
	out.Body, out.ContentLength, out.Trailer = b, req.ContentLength, b.trailer
	out.GetBody = b.again
}

// requestBody reads the client's body and fills in the trailers at its end.
type requestBody struct {
	source  io.Reader // the request may get another body
	request *message.Request
	trailer http.Header
	touched atomic.Bool
}

// errClientBody marks a failure on the client's side of the body.
var errClientBody = errors.New("the request body could not be read from the client")

func (b *requestBody) Read(p []byte) (int, error) {
	b.touched.Store(true)
	n, err := b.source.Read(p)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		for _, f := range b.request.Trailer {
			// The transport reads the map after this, in the same goroutine. Only
			// announced names may be sent.
			name := textproto.CanonicalMIMEHeaderKey(f.Name)
			if _, announced := b.trailer[name]; announced && f.Value != "" {
				b.trailer[name] = append(b.trailer[name], f.Value)
			}
		}
	default:
		err = fmt.Errorf("%w: %w", errClientBody, err)
	}
	return n, err
}

// Close leaves the client's body open: its front end closes it, and a second
// attempt on another connection may still need it.
func (b *requestBody) Close() error { return nil }

// again lets the transport try another connection when the pooled one turned out
// to be closed before a byte of the body was taken.
func (b *requestBody) again() (io.ReadCloser, error) {
	if b.touched.Load() {
		return nil, errors.New("the body was already read in part")
	}
	return b, nil
}
