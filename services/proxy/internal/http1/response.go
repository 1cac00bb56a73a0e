package http1

import (
	"strings"
	"time"

	"sluice.dev/platform/message"
)

// Response is a response that was read, with what the connection has to know of it.
type Response struct {
	message.Response
	Framing   Framing
	Minor     int    // HTTP/1.Minor, 0 or 1
	KeepAlive bool   // the server keeps the connection after this response
	Upgrade   string // with status 101: the protocol that the connection speaks from now on

	body Body
	mem  [inlineFields]message.Field
}

// ReadResponse reads the next response's head into dst, whose old content is lost,
// and readies its Body, as [Reader.ReadRequest] does. method is that of the request
// it answers. 1xx responses are returned like all others.
func (r *Reader) ReadResponse(dst *Response, method string) error {
	head, err := r.section(r.limits.HeadBytes, func([]byte) error { return errHeadSize })
	if err != nil {
		return err
	}
	*dst = Response{}
	line, rest, err := cutLine(head)
	if err != nil {
		return errStatusLine
	}
	if err := dst.statusLine(line); err != nil {
		return err
	}
	var m marks
	if dst.Header, err = r.header(rest, dst.mem[:0], &m); err != nil {
		return err
	}
	if err := dst.meaning(&m, method); err != nil {
		return err
	}
	dst.Received = time.Now()
	dst.body.begin(r, dst.Framing, &dst.Trailer, &dst.BodyReceived)
	dst.Body = &dst.body
	return nil
}

func (p *Response) statusLine(line string) (err error) {
	version, rest, ok := strings.Cut(line, " ")
	if !ok {
		return errStatusLine
	}
	if p.Minor, err = minor(version); err != nil {
		return err
	}
	p.Proto = protocols[p.Minor]
	code, reason, _ := strings.Cut(rest, " ")
	if len(code) != 3 || !all(code, isDigit) || code[0] == '0' || !validValue(reason) {
		return errStatusLine
	}
	p.Status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	return nil
}

// meaning works out what status and fields say about the message and the
// connection (RFC 9112 section 6.3).
func (p *Response) meaning(m *marks, method string) (err error) {
	said, err := m.framing(p.Minor, UntilClose)
	if err != nil {
		return err
	}
	p.Framing, p.ContentLength = said, said.Length()
	p.KeepAlive = m.connection.persists(p.Minor)
	switch {
	case p.Status == 101 || method == "CONNECT" && p.Status/100 == 2:
		p.Framing, p.ContentLength, p.KeepAlive = UntilClose, -1, false
		p.Upgrade = m.upgrade
	case method == "HEAD":
		p.Framing = NoBody
	case p.Status/100 == 1 || p.Status == 204 || p.Status == 304:
		p.Framing, p.ContentLength = NoBody, 0
		// A server that announces a body here may send one, too.
		p.KeepAlive = p.KeepAlive && (p.Status == 304 || said == UntilClose || said == 0)
	case said == UntilClose:
		p.KeepAlive = false
	}
	if !m.trailer || said != Chunked {
		return nil
	}
	names, err := announced(p.Header)
	if p.Framing == Chunked {
		p.Trailer = names
	}
	return err
}
