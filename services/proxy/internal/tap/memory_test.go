//go:build !race

package tap

import (
	"io"
	"strings"
	"testing"

	"sluice.dev/platform/message"
)

// TestRecordingCostsNoMemory: but for the memory of the batch. With the race detector
// pools forget at random.
func TestRecordingCostsNoMemory(t *testing.T) {
	tap := newTap(t, limits(10240, 10240))
	header := message.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "Server", Value: "x"}}
	req, body := get(""), strings.NewReader("")
	req.ContentLength = 0
	res := &message.Response{Status: 200, Header: header, ContentLength: 7}
	n := testing.AllocsPerRun(2000, func() {
		body.Reset(`{"a":1}`)
		r := tap.Begin("ex", conn, req)
		res.Body = io.NopCloser(body)
		r.Respond(res)
		_, _ = io.Copy(io.Discard, res.Body)
		tap.End(r)
		for tap.FullBatch() {
			tap.Reuse(tap.Batch())
		}
	})
	if n > 3 { // two are io.NopCloser's and io.Copy's; one for what the pools lose
		t.Errorf("%v allocations", n)
	}
}
