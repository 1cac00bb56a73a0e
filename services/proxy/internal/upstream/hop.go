package upstream

import (
	"net/http"
	"slices"
	"strings"

	"sluice.dev/platform/message"
)

// hopByHop are the fields that speak of one connection only (RFC 9110 section
// 7.6.1), beside those that Connection names.
var hopByHop = []string{
	"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization",
	"te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
}

// connectionOptions are the lower-case names in h's Connection fields.
func connectionOptions(h message.Header) []string {
	var out []string
	for _, f := range h {
		if !message.EqualName(f.Name, "connection") {
			continue
		}
		for option := range strings.SplitSeq(f.Value, ",") {
			if option = strings.ToLower(strings.TrimSpace(option)); option != "" {
				out = append(out, option)
			}
		}
	}
	return out
}

func isHopByHop(name string, options []string) bool {
	for _, h := range hopByHop {
		if message.EqualName(name, h) {
			return true
		}
	}
	for _, o := range options {
		if message.EqualName(name, o) {
			return true
		}
	}
	return false
}

// copyEndToEnd adds h's fields to dst without the hop-by-hop ones and without
// what net/http carries elsewhere. "TE: trailers" passes: gRPC needs it.
func copyEndToEnd(dst http.Header, h message.Header) {
	options := connectionOptions(h)
	for _, f := range h {
		switch {
		case message.EqualName(f.Name, "te") && hasTrailers(f.Value):
			dst["Te"] = []string{"trailers"}
			continue
		case message.EqualName(f.Name, "host"), message.EqualName(f.Name, "content-length"):
			continue
		case isHopByHop(f.Name, options):
			continue
		}
		name := http.CanonicalHeaderKey(f.Name)
		dst[name] = append(dst[name], f.Value)
	}
}

func hasTrailers(te string) bool {
	for part := range strings.SplitSeq(te, ",") {
		if strings.EqualFold(strings.TrimSpace(part), "trailers") {
			return true
		}
	}
	return false
}

// appendEndToEnd adds what net/http read, without the hop-by-hop fields, in
// order of name: net/http does not keep the order of the wire.
func appendEndToEnd(dst *message.Header, h http.Header) {
	appendSorted(dst, h)
	options := connectionOptions(*dst)
	*dst = slices.DeleteFunc(*dst, func(f message.Field) bool { return isHopByHop(f.Name, options) })
}

func appendSorted(dst *message.Header, h http.Header) {
	start := len(*dst)
	for name, values := range h {
		for _, v := range values {
			*dst = append(*dst, message.Field{Name: name, Value: v})
		}
	}
	slices.SortStableFunc((*dst)[start:], func(a, b message.Field) int { return strings.Compare(a.Name, b.Name) })
}
