package http1_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

func TestRequestHeads(t *testing.T) {
	for name, tt := range map[string]struct {
		req    message.Request
		prefix string
		c      http1.Connection
		want   string // without CR, lines joined by |
	}{
		"least": {message.Request{Method: "GET", Target: "/a?b", Host: "h"}, "", http1.Connection{}, "GET /a?b HTTP/1.1|Host: h||"},
		"prefix": {message.Request{Method: "GET", Target: "/a", Host: "h"}, "/base", http1.Connection{},
			"GET /base/a HTTP/1.1|Host: h||"},
		"no Host": {message.Request{Method: "GET", Target: "/a"}, "", http1.Connection{}, "GET /a HTTP/1.1|Host: server||"},
		"star":    {message.Request{Method: "OPTIONS", Target: "*", Host: "h"}, "/base", http1.Connection{}, "OPTIONS * HTTP/1.1|Host: h||"},
		"Host comes first and once": {message.Request{Method: "GET", Target: "/", Host: "h:1", Header: fields("A", "1", "HOST", "other", "b", "")}, "",
			http1.Connection{}, "GET / HTTP/1.1|Host: h:1|A: 1|b: ||"},
		"fields of a connection": {message.Request{Method: "GET", Target: "/", Host: "h", Header: fields("Connection", "close, X-Hop, Cookie", "x-hop", "1", "Cookie", "c", "Keep-Alive", "5", "Proxy-Connection", "x", "Upgrade", "x", "TE", "gzip", "Proxy-Authorization", "x", "HTTP2-Settings", "x", "X", "y")}, "", http1.Connection{}, "GET / HTTP/1.1|Host: h|Cookie: c|X: y||"},
		"what is said about the client cannot be taken out": {message.Request{Method: "GET", Target: "/", Host: "h", Header: fields("Connection", "X-Forwarded-For, Content-Type, Authorization", "X-Forwarded-For", "1.2.3.4", "Content-Type", "t", "Authorization", "a")}, "", http1.Connection{},
			"GET / HTTP/1.1|Host: h|X-Forwarded-For: 1.2.3.4|Content-Type: t|Authorization: a||"},
		"trailers are taken": {message.Request{Method: "GET", Target: "/", Host: "h", Header: fields("Te", "deflate, trailers")}, "",
			http1.Connection{Close: true}, "GET / HTTP/1.1|Host: h|Connection: close, TE|TE: trailers||"},
		"upgrade": {message.Request{Method: "GET", Target: "/", Host: "h", Header: fields("Upgrade", "websocket", "Connection", "Upgrade")}, "",
			http1.Connection{Upgrade: "websocket"}, "GET / HTTP/1.1|Host: h|Connection: Upgrade|Upgrade: websocket||"},
		"no body with POST":       {message.Request{Method: "POST", Target: "/", Host: "h"}, "", http1.Connection{}, "POST / HTTP/1.1|Host: h|Content-Length: 0||"},
		"length is the message's": {message.Request{Method: "PUT", Target: "/", Host: "h", ContentLength: 7, Body: body("1234567"), Header: fields("Content-Length", "9")}, "", http1.Connection{}, "PUT / HTTP/1.1|Host: h|Content-Length: 7||"},
		"unknown length": {message.Request{Method: "PUT", Target: "/", Host: "h", ContentLength: -1, Body: body("x"), Header: fields("Transfer-Encoding", "x"),
			Trailer: fields("X-Sum", "", "Host", "", "x-sum", "", "Y", "")}, "", http1.Connection{}, "PUT / HTTP/1.1|Host: h|Transfer-Encoding: chunked|Trailer: X-Sum, Y||"},
	} {
		got, err := http1.AppendRequest(nil, &tt.req, http1.Server{Prefix: tt.prefix, Host: "server"}, http1.RequestFraming(&tt.req), tt.c)
		if s := strings.ReplaceAll(string(got), "\r\n", "|"); err != nil || s != tt.want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, err, s, tt.want)
		}
	}
}

// fields makes a header of names and values in turn.
func fields(texts ...string) (h message.Header) {
	for i := 0; i < len(texts); i += 2 {
		h.Add(texts[i], texts[i+1])
	}
	return h
}

func body(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

func TestUnsendableRequests(t *testing.T) {
	base := message.Request{Method: "GET", Target: "/", Host: "h"}
	for name, change := range map[string]func(*message.Request){
		"method":          func(r *message.Request) { r.Method = "GE T" },
		"no method":       func(r *message.Request) { r.Method = "" },
		"space in target": func(r *message.Request) { r.Target = "/a b" },
		"line in target":  func(r *message.Request) { r.Target = "/a\r\nX:y" },
		"fragment":        func(r *message.Request) { r.Target = "/a#b" },
		"no target":       func(r *message.Request) { r.Target = "" },
		"relative":        func(r *message.Request) { r.Target = "a" },
		"star":            func(r *message.Request) { r.Target = "*" },
		"host":            func(r *message.Request) { r.Host = "a\r\nb" },
		"no host":         func(r *message.Request) { r.Host = "" },
		"name":            func(r *message.Request) { r.Header.Add("a b", "c") },
		"no name":         func(r *message.Request) { r.Header.Add("", "c") },
		"line in value":   func(r *message.Request) { r.Header.Add("a", "b\nc") },
		"line at the end": func(r *message.Request) { r.Header.Add("a", "0123456\r") },
		"NUL in value":    func(r *message.Request) { r.Header.Add("a", "0123456789\x00") },
		"connect":         func(r *message.Request) { r.Method = "CONNECT" },
	} {
		req := base
		change(&req)
		var u *http1.UnsendableError
		if got, err := http1.AppendRequest(nil, &req, http1.Server{}, 0, http1.Connection{}); !errors.As(err, &u) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func TestResponses(t *testing.T) {
	for name, tt := range map[string]struct {
		res    message.Response
		method string
		minor  int
		want   string
	}{
		"length": {message.Response{Status: 200, Header: fields("A", "b", "Content-Length", "99"), ContentLength: 2, Body: body("hi")}, "GET", 1,
			"HTTP/1.1 200 OK|A: b|Date: Fri, 02 Jan 2026 12:00:00 GMT|Content-Length: 2||hi"},
		"its own Date": {message.Response{Status: 200, Header: fields("date", "b"), ContentLength: 0}, "GET", 1, "HTTP/1.1 200 OK|date: b|Content-Length: 0||"},
		"unknown length": {message.Response{Status: 200, Header: fields("Date", ""), ContentLength: -1, Body: body("hi"), Trailer: fields("X", "1", "Y", "")}, "GET", 1,
			"HTTP/1.1 200 OK|Date: |Transfer-Encoding: chunked|Trailer: X, Y||2|hi|0|X: 1||"},
		"trailers with a known length": {message.Response{Status: 200, Header: fields("Date", ""), ContentLength: 2, Body: body("hi"), Trailer: fields("X", "1")}, "GET", 1,
			"HTTP/1.1 200 OK|Date: |Transfer-Encoding: chunked|Trailer: X||2|hi|0|X: 1||"},
		"unknown length to HTTP/1.0": {message.Response{Status: 200, Header: fields("Date", ""), ContentLength: -1, Body: body("hi")}, "GET", 0,
			"HTTP/1.1 200 OK|Date: |Connection: close||hi"},
		"HEAD": {message.Response{Status: 200, Header: fields("Date", "", "Content-Length", "77"), ContentLength: 77, Body: body("")}, "HEAD", 1,
			"HTTP/1.1 200 OK|Date: |Content-Length: 77||"},
		"HEAD with no length": {message.Response{Status: 200, Header: fields("Date", ""), ContentLength: -1, Body: body("")}, "HEAD", 1, "HTTP/1.1 200 OK|Date: ||"},
		"304":                 {message.Response{Status: 304, Header: fields("Date", "", "Content-Length", "77"), Body: body("")}, "GET", 1, "HTTP/1.1 304 Not Modified|Date: |Content-Length: 77||"},
		"204":                 {message.Response{Status: 204, Header: fields("Date", "", "Content-Length", "0"), Body: body("")}, "GET", 1, "HTTP/1.1 204 No Content|Date: ||"},
		"205":                 {message.Response{Status: 205, Header: fields("Date", ""), ContentLength: -1}, "GET", 1, "HTTP/1.1 205 Reset Content|Date: |Content-Length: 0||"},
		"103":                 {message.Response{Status: 103, Header: fields("Link", "x")}, "GET", 1, "HTTP/1.1 103 Early Hints|Link: x||"},
		"a status of its own": {message.Response{Status: 299, Header: fields("Date", "")}, "GET", 1, "HTTP/1.1 299 |Date: |Content-Length: 0||"},
	} {
		var out bytes.Buffer
		w := http1.NewWriter(&out)
		f := http1.ResponseFraming(&tt.res, tt.method, tt.minor)
		if err := w.Response(&tt.res, f, http1.Connection{}, noon); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var src io.Reader
		if tt.res.Body != nil {
			src = tt.res.Body
		}
		if err := w.Body(src, f, &tt.res.Trailer, false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s := strings.ReplaceAll(out.String(), "\r\n", "|"); s != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", name, s, tt.want)
		}
	}
}

func TestBodiesThatAreNotAsAnnounced(t *testing.T) {
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		src     io.Reader
		framing http1.Framing
		cause   error
		sent    string
	}{
		"too short":          {strings.NewReader("abc"), 5, io.ErrUnexpectedEOF, "abc"},
		"empty":              {strings.NewReader(""), 5, io.ErrUnexpectedEOF, ""},
		"too long":           {strings.NewReader("abcdef"), 5, http1.ErrBodyTooLong, "abcde"},
		"not empty":          {strings.NewReader("a"), 0, http1.ErrBodyTooLong, ""},
		"fails":              {io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), 5, broken, "abc"},
		"fails when chunked": {io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), http1.Chunked, broken, "3\r\nabc\r\n"},
		"fails until close":  {io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), http1.UntilClose, broken, "abc"},
		"says nothing":       {silent{}, 5, io.ErrNoProgress, ""},
	} {
		var out bytes.Buffer
		err := http1.NewWriter(&out).Body(tt.src, tt.framing, nil, false)
		var s *http1.SourceError
		if !errors.As(err, &s) || !errors.Is(err, tt.cause) || out.String() != tt.sent {
			t.Errorf("%s: %v, sent %q", name, err, out.String())
		}
	}
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

// writes counts the writes.
type writes struct {
	bytes.Buffer
	n int
}

func (w *writes) Write(p []byte) (int, error) { w.n++; return w.Buffer.Write(p) }

func TestHeadAndSmallBodyAreOneWrite(t *testing.T) {
	for _, f := range []http1.Framing{1024, http1.Chunked, http1.UntilClose} {
		var out writes
		w := http1.NewWriter(&out)
		res := &message.Response{Status: 200}
		if err := w.Response(res, f, http1.Connection{}, noon); err != nil {
			t.Fatal(err)
		}
		if err := w.Body(strings.NewReader(strings.Repeat("x", 1024)), f, nil, false); err != nil || out.n != 1 {
			t.Errorf("framing %d: %d writes, %v", f, out.n, err)
		}
	}
}

func TestFlushWritesEachPartAsItComes(t *testing.T) {
	var out writes
	w := http1.NewWriter(&out)
	if err := w.Response(&message.Response{Status: 200}, http1.Chunked, http1.Connection{}, noon); err != nil {
		t.Fatal(err)
	}
	var seen []int
	src := readerFunc(func(p []byte) (int, error) {
		if seen = append(seen, out.n); len(seen) == 4 {
			return 0, io.EOF
		}
		return copy(p, "part"), nil
	})
	if err := w.Body(src, http1.Chunked, nil, true); err != nil || fmt.Sprint(seen) != "[1 2 3 4]" || out.n != 5 {
		t.Errorf("writes before each read %v, %d in all, %v", seen, out.n, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestLargeBodiesArriveWhole sends bodies of all sizes around those of buffers and
// reads them back.
func TestLargeBodiesArriveWhole(t *testing.T) {
	pattern := strings.Repeat("0123456789abcdef", 20000)
	for _, size := range []int{1, 3000, 4095, 4096, 4097, 16000, 16383, 16384, 16385, 65535, 65536, 65537, 300000} {
		for _, f := range []http1.Framing{http1.Framing(size), http1.Chunked} {
			for _, header := range []int{1, 4000, 20000} {
				var out bytes.Buffer
				w := http1.NewWriter(&out)
				res := &message.Response{Status: 200, Header: fields("X", strings.Repeat("y", header))}
				if err := w.Response(res, f, http1.Connection{}, noon); err != nil {
					t.Fatal(err)
				}
				if err := w.Body(strings.NewReader(pattern[:size]), f, nil, false); err != nil {
					t.Fatal(err)
				}
				var p http1.Response
				if err := http1.NewReader(&out, http1.Limits{}).ReadResponse(&p, "GET"); err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(p.Body)
				if err != nil || string(got) != pattern[:size] || len(p.Header.Get("x")) != header {
					t.Errorf("size %d, framing %d: %d bytes, %v", size, f, len(got), err)
				}
			}
		}
	}
}
