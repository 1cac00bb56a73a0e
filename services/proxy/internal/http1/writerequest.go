package http1

import (
	"sluice.dev/platform/message"
)

// RequestFraming is how req's body is sent: by its length if that is known.
func RequestFraming(req *message.Request) Framing {
	switch {
	case req.Body == nil || req.ContentLength == 0:
		return 0
	case req.ContentLength > 0:
		return Framing(req.ContentLength)
	}
	return Chunked
}

// Server is what a request head says differently for one server.
type Server struct {
	Prefix string // stands before the request target, "*" excepted
	Host   string // is the Host of requests that have none, as HTTP/1.0 allows
}

// AppendRequest writes req's head to dst, with the fields that are meant for more
// than one connection, Host first, and those of framing and connection as told. The
// error is an *UnsendableError.
func AppendRequest(dst []byte, req *message.Request, to Server, f Framing, c Connection) ([]byte, error) {
	host := req.Host
	if host == "" {
		host = to.Host
	}
	switch {
	case req.Method == "" || !all(req.Method, isToken):
		return nil, unsendable("the method %q is not a token", req.Method)
	case f < Chunked:
		return nil, unsendable("a request's body has a length or is chunked")
	}
	if err := checkAddress(req, to.Prefix, host); err != nil {
		return nil, err
	}
	dst = append(dst, req.Method...)
	dst = append(dst, ' ')
	if req.Target != "*" {
		dst = append(dst, to.Prefix...)
	}
	dst = append(dst, req.Target...)
	dst = append(dst, " HTTP/1.1\r\n"...)
	dst = appendField(dst, "Host", host)
	dst, err := appendFields(dst, req.Header)
	if err != nil {
		return nil, err
	}
	if f != 0 || expectsBody(req) {
		dst = appendLength(dst, f, req.Trailer)
	}
	if dst, err = appendConnection(dst, c, takesTrailers(req.Header)); err != nil {
		return nil, err
	}
	return append(dst, "\r\n"...), nil
}

// checkAddress refuses what would not read as the same target and host. A gateway
// opens no tunnels.
func checkAddress(req *message.Request, prefix, host string) error {
	path := req.Target != "" && req.Target[0] == '/' && (prefix == "" || prefix[0] == '/')
	switch {
	case req.Method == "CONNECT":
		return unsendable("CONNECT is for forward proxies")
	case !path && (req.Target != "*" || req.Method != "OPTIONS"):
		return unsendable("the request target %q is no path", req.Target)
	case !all(prefix, isTarget) || !all(req.Target, isTarget):
		return unsendable("the request target has a space, a # or a control character")
	case !validHost(host):
		return unsendable("the host %q is neither a name nor an address with an optional port", host)
	}
	return nil
}

// expectsBody reports whether a request without a body should say so: recipients
// would expect one with this method (RFC 9110 section 8.6).
func expectsBody(req *message.Request) bool {
	switch req.Method {
	case "POST", "PUT", "PATCH":
		return true
	}
	return req.Header.Has("content-length")
}
