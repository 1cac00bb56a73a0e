package message

import (
	"io"
	"strings"
	"time"
)

// Response is one HTTP response on its way back to the client. It is owned by
// the goroutine that serves it.
type Response struct {
	Status        int
	Header        Header
	Trailer       Header // complete only after Body was read to its end
	ContentLength int64  // bytes; -1 when unknown
	Body          io.ReadCloser
	Proto         string
	Received      time.Time // when the head was complete
	BodyReceived  time.Time // when Body was read to its end; zero until then
}

// NewResponse makes a response with a whole body. An empty body is sent as
// content-length 0 where the status allows one.
func NewResponse(status int, header Header, body string) *Response {
	r := &Response{Status: status, Header: header, Proto: "HTTP/1.1"}
	r.SetBody(body)
	return r
}

// SetBody replaces the body and its length. The old body is not closed.
func (r *Response) SetBody(body string) {
	r.ContentLength = int64(len(body))
	r.Body = io.NopCloser(strings.NewReader(body))
}

// BodyAllowed reports whether a response with this status may have a body (RFC
// 9110 section 6.4.1).
func BodyAllowed(status int) bool {
	return status >= 200 && status != 204 && status != 205 && status != 304
}
