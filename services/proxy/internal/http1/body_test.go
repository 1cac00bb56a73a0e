package http1_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"sluice.dev/services/proxy/internal/http1"
)

const post = "POST / HTTP/1.1\r\nHost: a\r\n"

func open(t *testing.T, wire string) (*http1.Reader, *http1.Request) {
	t.Helper()
	r := http1.NewReader(strings.NewReader(wire), http1.Limits{})
	q := new(http1.Request)
	if err := r.ReadRequest(q); err != nil {
		t.Fatal(err)
	}
	return r, q
}

func TestEndIsToldOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		wire string
		read int // bytes before Close; -1 for all
		want string
	}{
		"whole":        {post + "Content-Length: 5\r\n\r\nhello", -1, "whole"},
		"chunked":      {post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", -1, "whole"},
		"closed early": {post + "Content-Length: 5\r\n\r\nhello", 2, "part"},
		"broken off":   {post + "Content-Length: 5\r\n\r\nhe", -1, "part"},
		"malformed":    {post + "Transfer-Encoding: chunked\r\n\r\nx", -1, "part"},
	} {
		_, q := open(t, tt.wire)
		var told noted
		q.Body.(*http1.Body).OnEnd(&told)
		if tt.read < 0 {
			_, _ = io.ReadAll(q.Body)
		} else {
			_, _ = io.ReadFull(q.Body, make([]byte, tt.read))
		}
		_ = q.Body.Close()
		_ = q.Body.Close()
		if string(told) != tt.want {
			t.Errorf("%s: %q", name, told)
		}
		if _, err := q.Body.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: a closed body reads: %v", name, err)
		}
		if got := !q.BodyReceived.IsZero(); got != (tt.want == "whole") {
			t.Errorf("%s: time of the end: %t", name, got)
		}
	}
}

type noted string

func (n *noted) BodyEnded(whole bool) {
	*n += noted(map[bool]string{true: "whole", false: "part"}[whole])
}

func TestDrainMakesRoomForTheNextRequest(t *testing.T) {
	next := "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, tt := range map[string]struct {
		wire  string
		limit int64
		want  bool
	}{
		"counted":       {post + "Content-Length: 5\r\n\r\nhello", 5, true},
		"chunked":       {post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 5, true},
		"too much":      {post + "Content-Length: 5\r\n\r\nhello", 4, false},
		"endless":       {post + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 20), 8192, false},
		"malformed":     {post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX", 100, false},
		"none":          {post + "\r\n", 0, true},
		"after closing": {post + "Content-Length: 5\r\n\r\nhello", 5, true},
	} {
		r, q := open(t, tt.wire+next)
		if name == "after closing" {
			_ = q.Body.Close()
		}
		if got := q.Body.(*http1.Body).Drain(tt.limit); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
		if !tt.want {
			continue
		}
		if err := r.ReadRequest(q); err != nil || q.Target != "/next" {
			t.Errorf("%s: then %v", name, err)
		}
	}
}

// TestBytesAfterASwitchAreKept takes a connection over.
func TestBytesAfterASwitchAreKept(t *testing.T) {
	r, q := open(t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\none\ntwo\n")
	if q.Upgrade != "lines" || r.Buffered() != len("one\ntwo\n") {
		t.Fatalf("%q, %d bytes", q.Upgrade, r.Buffered())
	}
	if rest, err := io.ReadAll(r); string(rest) != "one\ntwo\n" || err != nil {
		t.Errorf("%q %v", rest, err)
	}
}

// TestReadAllocations bounds what reading costs: the head's text and the request.
func TestReadAllocations(t *testing.T) {
	r := http1.NewReader(&endless{text: benchRequest}, http1.Limits{})
	if n := testing.AllocsPerRun(100, func() {
		q := new(http1.Request)
		if err := r.ReadRequest(q); err != nil {
			t.Fatal(err)
		}
		sink = &q.Request
	}); n > 2 {
		t.Errorf("%v allocations", n)
	}
}
