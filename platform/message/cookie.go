package message

import (
	"net/http"
	"strings"
)

// Cookie is a name and a value as a client sends them.
type Cookie struct{ Name, Value string }

func requestCookies(h Header) []Cookie {
	var out []Cookie
	for _, f := range h {
		if !EqualName(f.Name, "cookie") {
			continue
		}
		for pair := range strings.SplitSeq(f.Value, ";") {
			name, value, found := strings.Cut(strings.TrimSpace(pair), "=")
			if !found || !ValidName(name) {
				continue
			}
			out = append(out, Cookie{Name: name, Value: strings.Trim(value, `"`)})
		}
	}
	return out
}

// Cookies returns the cookies that the response sets, in header order (RFC 6265
// section 5.2). Lines that do not parse are left out.
func (r *Response) Cookies() []*http.Cookie {
	var out []*http.Cookie
	for _, f := range r.Header {
		if !EqualName(f.Name, "set-cookie") {
			continue
		}
		if c, err := http.ParseSetCookie(f.Value); err == nil {
			out = append(out, c)
		}
	}
	return out
}
