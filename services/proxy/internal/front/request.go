package front

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice.dev/platform/message"
)

// newRequest is r as the data path sees it. net/http does not keep the order of
// fields, so they come sorted, Host first.
func newRequest(r *http.Request) *message.Request {
	req := &message.Request{
		Method: r.Method, Target: originForm(r), Scheme: "http", Host: r.Host, Proto: r.Proto,
		Header: fields(r), ContentLength: r.ContentLength, Received: time.Now(),
	}
	if r.TLS != nil {
		req.Scheme = "https"
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

// originForm is the request-target without scheme and authority (RFC 9112
// section 3.2), byte for byte.
func originForm(r *http.Request) string {
	target := r.RequestURI
	if strings.HasPrefix(target, "/") || target == "*" || r.Method == http.MethodConnect {
		return target
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok {
		return target
	}
	at := strings.IndexAny(rest, "/?")
	switch {
	case at < 0:
		return "/"
	case rest[at] == '?':
		return "/" + rest[at:]
	}
	return rest[at:]
}

// fields are the header lines of r, those that net/http moves elsewhere included.
func fields(r *http.Request) message.Header {
	h := make(message.Header, 0, len(r.Header)+4)
	for name, values := range r.Header {
		for _, v := range values {
			h = append(h, message.Field{Name: name, Value: v})
		}
	}
	for _, coding := range r.TransferEncoding {
		h.Add("Transfer-Encoding", coding)
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
				b.to.Trailer.Add(name, v)
			}
		}
	}
	return n, err
}
