package http1

import (
	"strings"

	"sluice.dev/platform/message"
)

// trailers reads a trailer section and drops the fields that have no place there.
func trailers(s string, limit int) (message.Header, error) {
	n := strings.Count(s, "\n")
	if n > limit {
		return nil, errTrailer
	}
	var out message.Header
	for s != "" {
		line, rest, err := cutLine(s)
		if err != nil {
			return nil, err
		}
		s = rest
		f, err := field(line)
		if err != nil {
			return nil, err
		}
		if !AllowedTrailer(f.Name) {
			continue
		}
		if out == nil {
			out = make(message.Header, 0, n)
		}
		out = append(out, f)
	}
	return out, nil
}

// announced are the names in the Trailer fields of h, without values: what is to
// come after the body. A message that announces fields of framing is refused.
func announced(h message.Header) (out message.Header, err error) {
	for i := range h {
		if !equalFold(h[i].Name, "trailer") {
			continue
		}
		for name := range strings.SplitSeq(h[i].Value, ",") {
			name = trimSpace(name)
			switch {
			case equalFold(name, "content-length"), equalFold(name, "transfer-encoding"), equalFold(name, "trailer"):
				return nil, errAnnounced
			case message.ValidName(name) && AllowedTrailer(name) && !out.Has(name):
				out.Add(name, "")
			}
		}
	}
	return out, nil
}

// notInTrailers are fields that frame or route a message, authorize it, or say how
// its content is to be read: too late in a trailer, and dangerous if a recipient
// merges it into the head (RFC 9110 section 6.5.1).
var notInTrailers = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`
		connection content-length host keep-alive proxy-connection te trailer transfer-encoding upgrade
		expect max-forwards range if-match if-none-match if-modified-since if-unmodified-since if-range
		authorization proxy-authenticate proxy-authorization www-authenticate cookie set-cookie
		content-encoding content-type content-range content-location cache-control pragma age date expires location retry-after vary warning`) {
		m[name] = true
	}
	return m
}()

// AllowedTrailer reports whether a field of this name may stand in a trailer
// section.
func AllowedTrailer(name string) bool { return !notInTrailers[strings.ToLower(name)] }
