package trafficpolicy

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"sluice.dev/platform/trafficpolicy/coding"
)

// maxReadBody is how much of a body expressions can read, in bytes, before and
// after decoding. A longer one has no value: a part would let what follows pass
// unseen.
const maxReadBody = 1 << 20

// readBody is a body as expressions read it, for as long as it is the same.
type readBody struct {
	of           io.ReadCloser
	text, reason string
}

// Body implements expr.Bodies.
func (r *Run) Body(response bool) (text, reason string) {
	body, header, i := &r.vars.Request.Body, r.vars.Request.Header, 0
	if response {
		body, header, i = &r.vars.Response.Body, r.vars.Response.Header, 1
		if r.vars.Response.Status == 101 || mediaType(header) == "text/event-stream" {
			return "", "it is a stream"
		}
	}
	if *body == nil {
		return "", ""
	}
	if known := r.bodies[i]; known.of == *body {
		return known.text, known.reason
	}
	text, reason = decodeBody(body, strings.Join(header.Values("content-encoding"), ","))
	r.bodies[i] = readBody{*body, text, reason} // hold has put its own in the place
	return text, reason
}

func decodeBody(body *io.ReadCloser, encoding string) (text, reason string) {
	data, complete, err := hold(body, maxReadBody)
	switch {
	case err != nil:
		return "", "it cannot be read: " + err.Error()
	case !complete:
		return "", fmt.Sprintf("it is longer than %d bytes", maxReadBody)
	}
	plain, err := coding.Decode(bytes.NewReader(data), encoding, maxReadBody)
	if err != nil {
		return "", "it cannot be decoded: " + err.Error()
	}
	return string(plain), ""
}
