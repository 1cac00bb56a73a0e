package http1

import (
	"fmt"
	"strconv"

	"sluice.dev/platform/message"
)

// UnsendableError says that a message cannot be written as HTTP/1.1: something in
// it would read as something else on the other side.
type UnsendableError struct{ What string }

// Error is what cannot be sent.
func (e *UnsendableError) Error() string { return "the message cannot be sent: " + e.What }

func unsendable(format string, args ...any) error {
	return &UnsendableError{What: fmt.Sprintf(format, args...)}
}

// Connection is what a head says about its connection.
type Connection struct {
	Close     bool   // it ends after this message
	KeepAlive bool   // it does not, which an HTTP/1.0 peer must be told
	Upgrade   string // protocols that are asked for, or the one that is switched to
}

// appendFields writes the fields of h that are meant for more than one connection
// (RFC 9110 section 7.6.1). Those that frame the message or speak of the
// connection are the codec's own.
func appendFields(dst []byte, h message.Header) ([]byte, error) {
	var room [8]string
	named := namedOptions(room[:0], h)
	for i := range h {
		f := &h[i]
		if ownField(f.Name) || len(named) > 0 && isNamed(f.Name, named) {
			continue
		}
		if f.Name == "" || !all(f.Name, isToken) {
			return nil, unsendable("the field name %q is not a token", f.Name)
		}
		if !validValue(f.Value) {
			return nil, unsendable("the value of %s has a control character", f.Name)
		}
		dst = appendField(dst, f.Name, f.Value)
	}
	return dst, nil
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// ownField reports whether the codec writes this field itself or drops it.
func ownField(name string) bool {
	is := func(lower string) bool { return equalFold(name, lower) }
	switch len(name) {
	case len("te"):
		return is("te")
	case len("host"):
		return is("host")
	case len("upgrade"):
		return is("upgrade") || is("trailer")
	case len("connection"):
		return is("connection") || is("keep-alive")
	case len("content-length"):
		return is("content-length") || is("http2-settings")
	case len("proxy-connection"):
		return is("proxy-connection")
	case len("transfer-encoding"):
		return is("transfer-encoding")
	case len("proxy-authenticate"):
		return is("proxy-authenticate")
	case len("proxy-authorization"):
		return is("proxy-authorization")
	}
	return false
}

// appendLength writes how the body is framed.
func appendLength(dst []byte, f Framing, trailer message.Header) []byte {
	switch {
	case f >= 0:
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, int64(f), 10)
		return append(dst, "\r\n"...)
	case f == Chunked:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
		return appendAnnounced(dst, trailer)
	}
	return dst
}

// appendAnnounced writes a Trailer field.
func appendAnnounced(dst []byte, trailer message.Header) []byte {
	separator := "Trailer: "
	for i := range trailer {
		name := trailer[i].Name
		if name == "" || !all(name, isToken) || !AllowedTrailer(name) || trailer[:i].Has(name) {
			continue
		}
		dst = append(dst, separator...)
		dst = append(dst, name...)
		separator = ", "
	}
	if separator == ", " {
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// appendTrailers writes a trailer section without its empty line. Names that were
// announced and got no value are left out.
func appendTrailers(dst []byte, trailer message.Header) ([]byte, error) {
	for _, f := range trailer {
		switch {
		case f.Value == "" || !AllowedTrailer(f.Name):
			continue
		case f.Name == "" || !all(f.Name, isToken):
			return nil, unsendable("the trailer name %q is not a token", f.Name)
		case !validValue(f.Value):
			return nil, unsendable("the value of the trailer %s has a control character", f.Name)
		}
		dst = appendField(dst, f.Name, f.Value)
	}
	return dst, nil
}
