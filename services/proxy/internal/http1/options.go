package http1

import (
	"strings"

	"sluice.dev/platform/message"
)

// namedOptions adds to dst the field names that h's Connection fields declare to be
// for this connection only.
func namedOptions(dst []string, h message.Header) []string {
	for i := range h {
		if len(h[i].Name) != len("connection") || !equalFold(h[i].Name, "connection") {
			continue
		}
		value := h[i].Value
		for value != "" {
			var option string
			option, value, _ = strings.Cut(value, ",")
			if option = trimSpace(option); option != "" && !equalFold(option, "close") && !forAll(option) {
				dst = append(dst, option)
			}
		}
	}
	return dst
}

// RemoveConnectionFields drops the fields of h that speak of one connection only,
// in place. Content-Length and Host stay.
func RemoveConnectionFields(h *message.Header) {
	var room [8]string
	named := namedOptions(room[:0], *h)
	kept := (*h)[:0]
	for _, f := range *h {
		own := ownField(f.Name) && !equalFold(f.Name, "content-length") && !equalFold(f.Name, "host")
		if !own && (len(named) == 0 || !isNamed(f.Name, named)) {
			kept = append(kept, f)
		}
	}
	clear((*h)[len(kept):])
	*h = kept
}

// Upgrade is what the sender of h would switch to, or switches to; "" for nothing
// (RFC 9110 section 7.8). HTTP/2 is left out: a client that spoke it behind a gateway's
// back could ask for anything.
func Upgrade(h message.Header) string {
	var m marks
	for _, f := range h {
		if equalFold(f.Name, "connection") {
			m.connection.parse(f.Value)
		}
		if equalFold(f.Name, "upgrade") {
			m.upgrade = join(m.upgrade, f.Value)
		}
	}
	if !m.connection.upgrade {
		return ""
	}
	if !strings.Contains(strings.ToLower(m.upgrade), "h2c") {
		return m.upgrade
	}
	kept := ""
	for protocol := range strings.SplitSeq(m.upgrade, ",") {
		if name, _, _ := strings.Cut(trimSpace(protocol), "/"); !equalFold(name, "h2c") && name != "" {
			kept = join(kept, trimSpace(protocol))
		}
	}
	return kept
}

func isNamed(name string, named []string) bool {
	for _, option := range named {
		if message.EqualName(name, option) {
			return true
		}
	}
	return false
}

// forAll are fields that are meant for every recipient, which Connection must not
// name (RFC 9110 section 7.6.1). A client that does name them would make a gateway
// drop what it tells the upstream about the client, or what proves who that is.
func forAll(name string) bool {
	lower := strings.ToLower(name)
	for _, prefix := range []string{"x-forwarded-", "content-", "sluice-"} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	switch lower {
	case "authorization", "cache-control", "cookie", "date", "expect", "forwarded", "host", "set-cookie", "via", "x-real-ip":
		return true
	}
	return false
}

// takesTrailers reports whether the sender understands trailers: "TE: trailers",
// which gRPC needs to see (RFC 9110 section 10.1.4).
func takesTrailers(h message.Header) bool {
	for i := range h {
		if len(h[i].Name) != len("te") || !equalFold(h[i].Name, "te") {
			continue
		}
		for part := range strings.SplitSeq(h[i].Value, ",") {
			if equalFold(trimSpace(part), "trailers") {
				return true
			}
		}
	}
	return false
}

// appendConnection writes the connection's own fields.
func appendConnection(dst []byte, c Connection, te bool) ([]byte, error) {
	if !validValue(c.Upgrade) {
		return nil, unsendable("the value of Upgrade has a control character")
	}
	separator := "Connection: "
	add := func(is bool, option string) {
		if is {
			dst = append(dst, separator...)
			dst = append(dst, option...)
			separator = ", "
		}
	}
	add(c.Close, "close")
	add(c.KeepAlive && !c.Close, "keep-alive")
	add(c.Upgrade != "", "Upgrade")
	add(te, "TE")
	if separator == ", " {
		dst = append(dst, "\r\n"...)
	}
	if te {
		dst = append(dst, "TE: trailers\r\n"...)
	}
	if c.Upgrade != "" {
		dst = appendField(dst, "Upgrade", c.Upgrade)
	}
	return dst, nil
}
