package trafficpolicy

import (
	"bytes"
	"errors"
	"io"

	"sluice.dev/platform/message"
)

// errBodyTooLarge: an action must see the whole of a body that is longer than it
// may hold.
var errBodyTooLarge = errors.New("the body is larger than the action may hold in memory")

// heldBody is a body whose beginning was read ahead. What is read from it is the
// same as from the original.
type heldBody struct {
	data     []byte // that was read ahead
	at       int    // read again so far
	complete bool   // data is the whole body
	failed   error  // what came after data instead of the end
	source   io.ReadCloser
}

// Read implements io.Reader.
func (b *heldBody) Read(p []byte) (int, error) {
	switch {
	case b.at < len(b.data):
		n := copy(p, b.data[b.at:])
		b.at += n
		return n, nil
	case b.complete:
		return 0, io.EOF
	case b.failed != nil:
		return 0, b.failed
	}
	return b.source.Read(p)
}

// Close closes the original.
func (b *heldBody) Close() error { return b.source.Close() }

// hold reads up to limit bytes of a body ahead and leaves them to be read again.
// complete says that they are the whole body. An error that the body ends with
// stays for its later reader, too.
func hold(body *io.ReadCloser, limit int) (data []byte, complete bool, err error) {
	if *body == nil {
		return nil, true, nil
	}
	held, ok := (*body).(*heldBody)
	if !ok {
		held = &heldBody{source: *body}
		*body = held
	}
	if held.at > 0 {
		return nil, false, errors.New("a part of the body was already read")
	}
	if len(held.data) < limit+1 && !held.complete && held.failed == nil {
		held.fill(limit + 1)
	}
	if len(held.data) > limit {
		return held.data[:limit], false, nil
	}
	return held.data, held.complete, held.failed
}

// fill reads on until data has n bytes or the body ends. One byte more than is
// wanted shows whether there is more.
func (b *heldBody) fill(n int) {
	buffer := bytes.NewBuffer(b.data)
	_, err := buffer.ReadFrom(io.LimitReader(b.source, int64(n-len(b.data))))
	b.data = buffer.Bytes()
	switch {
	case err != nil:
		b.failed = err
	case len(b.data) < n:
		b.complete = true
	}
}

// wholeRequest is the request's body, which stays to be sent on.
func (r *Run) wholeRequest(limit int) ([]byte, error) {
	data, complete, err := hold(&r.vars.Request.Body, limit)
	switch {
	case err != nil:
		return nil, &failure{CodeBodyUnreadable, err}
	case !complete:
		return nil, &failure{CodeRequestTooLarge, errBodyTooLarge}
	}
	return data, nil
}

// mediaType is the type in a content-type field, in lower case and without
// parameters.
func mediaType(h message.Header) string {
	value, _, _ := bytes.Cut([]byte(h.Get("content-type")), []byte(";"))
	return string(bytes.ToLower(bytes.TrimSpace(value)))
}
