package http1

import (
	"net/http"
	"strconv"
	"time"

	"sluice.dev/platform/message"
)

// ResponseFraming is how res's body is sent to a client that asked with this
// method in HTTP/1.minor (RFC 9112 section 6.3).
func ResponseFraming(res *message.Response, method string, minor int) Framing {
	switch {
	case method == "HEAD" || res.Status < 200 || res.Status == 204 || res.Status == 304:
		return NoBody
	case res.Status == 205 || res.Body == nil:
		return 0
	case res.ContentLength >= 0 && (len(res.Trailer) == 0 || minor == 0):
		return Framing(res.ContentLength)
	case minor == 0:
		return UntilClose
	}
	return Chunked
}

// AppendResponse writes res's head to dst, with the fields that are meant for more
// than one connection and those of framing and connection as told. now is for the
// Date of a response without one (RFC 9110 section 6.6.1). The error is an
// *UnsendableError.
func AppendResponse(dst []byte, res *message.Response, f Framing, c Connection, now time.Time) ([]byte, error) {
	if res.Status < 100 || res.Status > 999 {
		return nil, unsendable("the status %d does not have three digits", res.Status)
	}
	dst = appendStatusLine(dst, res.Status)
	dst, err := appendFields(dst, res.Header)
	if err != nil {
		return nil, err
	}
	if res.Status >= 200 && !res.Header.Has("date") {
		dst = append(dst, "Date: "...)
		dst = append(dst, httpDate(now)...)
		dst = append(dst, "\r\n"...)
	}
	if f == NoBody && res.Status >= 200 && res.Status != 204 {
		dst = appendUnsentLength(dst, res.Header)
	} else {
		dst = appendLength(dst, f, res.Trailer)
	}
	c.Close = c.Close || f == UntilClose && c.Upgrade == ""
	if dst, err = appendConnection(dst, c, false); err != nil {
		return nil, err
	}
	return append(dst, "\r\n"...), nil
}

// appendUnsentLength writes the length that the body would have had: for HEAD and
// 304 (RFC 9110 section 8.6).
func appendUnsentLength(dst []byte, h message.Header) []byte {
	value := h.Get("content-length")
	if n, err := contentLength(value); err == nil {
		return appendLength(dst, Framing(n), nil)
	}
	return dst
}

// statusLines are those of the registered statuses.
var statusLines = func() (t [600]string) {
	for status := range t {
		if text := http.StatusText(status); text != "" {
			t[status] = "HTTP/1.1 " + strconv.Itoa(status) + " " + text + "\r\n"
		}
	}
	return t
}()

func appendStatusLine(dst []byte, status int) []byte {
	if status < len(statusLines) && statusLines[status] != "" {
		return append(dst, statusLines[status]...)
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	return append(dst, " \r\n"...) // the space is not optional
}
