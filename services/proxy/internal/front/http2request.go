package front

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

// newRequest is r as the data path sees it. The scheme is the connection's, whatever
// the client calls it. net/http does not keep the order of fields, so they come
// sorted, Host first.
func newRequest(r *http.Request, scheme string) *message.Request {
	req := &message.Request{
		Method: r.Method, Target: r.RequestURI, Scheme: scheme, Host: r.Host, Proto: r.Proto,
		Header: fields(r), ContentLength: r.ContentLength, Received: time.Now(),
	}
	for name := range r.Trailer {
		req.Trailer.Add(name, "")
	}
	if r.Body != nil && r.Body != http.NoBody {
		req.Body = &requestBody{ReadCloser: r.Body, from: r, to: req}
	} else {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	return req
}

// fields are the header lines of r, those that net/http moves elsewhere included. A
// Host field that repeats the authority is one with it.
func fields(r *http.Request) message.Header {
	h := make(message.Header, 0, len(r.Header)+4)
	for name, values := range r.Header {
		for i, v := range values {
			if name == "Host" && i == 0 && v == r.Host {
				continue
			}
			h = append(h, message.Field{Name: name, Value: v})
		}
	}
	for name := range r.Trailer {
		h.Add("Trailer", name)
	}
	slices.SortStableFunc(h, func(a, b message.Field) int { return strings.Compare(a.Name, b.Name) })
	if r.Host != "" {
		h = slices.Insert(h, 0, message.Field{Name: "Host", Value: r.Host})
	}
	return h
}

var errNoHost = &http1.Error{Status: 400, Text: "neither an authority nor a Host field says which site is asked", Rule: "RFC 9113 section 8.3.1"}

// checkRequest refuses what net/http lets pass and would mean something else, or
// nothing good, in HTTP/1.1, which most upstreams speak. Nil: it is fine.
func checkRequest(r *http.Request, req *message.Request) *http1.Error {
	if r.Host == "" {
		return errNoHost
	}
	var bad *http1.Error
	if errors.As(http1.Check(req, 0), &bad) {
		return bad
	}
	return nil
}

// requestBody notes the end of the body and its trailers.
type requestBody struct {
	io.ReadCloser
	from *http.Request
	to   *message.Request
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) && b.to.BodyReceived.IsZero() {
		b.to.BodyReceived = time.Now()
		b.to.Trailer = nil
		for name, values := range b.from.Trailer {
			for _, v := range values {
				if http1.AllowedTrailer(name) {
					b.to.Trailer.Add(name, v)
				}
			}
		}
	}
	return n, err
}
