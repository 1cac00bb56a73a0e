package http1

import (
	"strings"
	"time"

	"sluice.dev/platform/message"
)

// inlineFields is how many header lines need no memory of their own, in a request
// or response.
const inlineFields = 16

// spareFields is room for what a gateway adds to a head.
const spareFields = 4

// Request is a request that was read, with what the connection has to know of it.
type Request struct {
	message.Request
	Framing        Framing // of Body; a length of 0 when there is none
	Minor          int     // HTTP/1.Minor, 0 or 1
	KeepAlive      bool    // the client keeps the connection after this exchange
	ExpectContinue bool    // the client waits for "100 Continue" before it sends the body
	Upgrade        string  // protocols that the client would switch to; "" for none

	body Body
	mem  [inlineFields]message.Field
}

// ReadRequest reads the next request's head into dst, whose old content is lost,
// and readies its Body, which must be read to its end before the next call. The
// error is an *Error, or the connection's: io.EOF when it ended before the first
// byte, io.ErrUnexpectedEOF when it ended within the head. Header keeps all lines;
// Trailer has the announced names, without values until the body's end. With a
// target in absolute form, the Host field takes its authority.
func (r *Reader) ReadRequest(dst *Request) error {
	head, err := r.requestHead()
	if err != nil {
		return err
	}
	*dst = Request{}
	line, rest, err := cutLine(head)
	if err != nil {
		return requestLineError(head, err)
	}
	if len(line) >= r.limits.LineBytes {
		return errTargetSize
	}
	target, err := dst.requestLine(line)
	if err != nil {
		return err
	}
	var m marks
	if dst.Header, err = r.header(rest, dst.mem[:0], &m); err != nil {
		return err
	}
	if err := dst.address(target, &m); err != nil {
		return err
	}
	if err := dst.meaning(&m); err != nil {
		return err
	}
	dst.Received = time.Now()
	dst.body.begin(r, dst.Framing, &dst.Trailer, &dst.BodyReceived)
	dst.Body = &dst.body
	return nil
}

// requestLineError is for a head of nothing but an empty line.
func requestLineError(head string, err error) error {
	if head == "" {
		return errRequestLine
	}
	return err
}

// header reads the field lines in s, into inline if they fit.
func (r *Reader) header(s string, inline message.Header, m *marks) (message.Header, error) {
	n := strings.Count(s, "\n")
	if n > r.limits.Fields {
		return nil, errFieldCount
	}
	if n+spareFields > cap(inline) {
		inline = make(message.Header, 0, n+spareFields)
	}
	return fields(s, inline, m)
}

// requestLine splits the line. The version is looked at before the target: what
// follows it is the other version's matter.
func (q *Request) requestLine(line string) (target string, err error) {
	method, rest, ok := strings.Cut(line, " ")
	target, version, ok2 := strings.Cut(rest, " ")
	switch {
	case !ok || !ok2 || method == "" || target == "":
		return "", errRequestLine
	case !all(method, isToken):
		return "", errMethod
	}
	if q.Minor, err = minor(version); err != nil {
		return "", err
	}
	q.Method, q.Proto = method, protocols[q.Minor]
	return target, nil
}

var protocols = [2]string{"HTTP/1.0", "HTTP/1.1"}

// minor reads HTTP/1.x. All minor versions above 1 count as 1.
func minor(version string) (int, error) {
	if len(version) != len("HTTP/1.1") || version[:5] != "HTTP/" || version[6] != '.' ||
		class[version[5]]&isDigit == 0 || class[version[7]]&isDigit == 0 {
		return 0, errVersionForm
	}
	if version[5] != '1' {
		return 0, errVersion
	}
	return min(1, int(version[7]-'0')), nil
}

// meaning works out what the fields say about the message and the connection.
func (q *Request) meaning(m *marks) (err error) {
	if q.Framing, err = m.framing(q.Minor, 0); err != nil {
		return err
	}
	q.ContentLength = q.Framing.Length()
	q.KeepAlive = m.connection.persists(q.Minor)
	if m.trailer && q.Framing == Chunked {
		if q.Trailer, err = announced(q.Header); err != nil {
			return err
		}
	}
	if m.expect != "" && !equalFold(m.expect, "100-continue") {
		return errExpectation
	}
	if q.Minor == 0 {
		return nil // an HTTP/1.0 client means neither (RFC 9110 sections 7.8 and 10.1.1)
	}
	if m.connection.upgrade {
		q.Upgrade = m.upgrade
	}
	q.ExpectContinue = m.expect != "" && q.Framing != 0
	return nil
}
