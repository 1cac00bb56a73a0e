package front_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// rawUpstream answers each request and keeps the bytes that it came as.
type rawUpstream struct {
	URL  string
	mu   sync.Mutex
	seen []string
}

func newRawUpstream(t *testing.T) *rawUpstream {
	u := &rawUpstream{}
	u.URL = "http://" + listen(t, u.serve)
	return u
}

func (u *rawUpstream) serve(c net.Conn) {
	var raw bytes.Buffer
	r := bufio.NewReader(io.TeeReader(c, &raw))
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			u.note(raw.String() + "(cut)")
			return
		}
		u.note(raw.String()[:raw.Len()-r.Buffered()])
		rest, _ := r.Peek(r.Buffered())
		raw.Reset()
		raw.Write(rest)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

// ownFields are what the gateway adds.
var ownFields = regexp.MustCompile(`(?i)(via|x-forwarded-[a-z]+): [^\r]*\r\n`)

func (u *rawUpstream) note(raw string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen = append(u.seen, ownFields.ReplaceAllString(raw, ""))
}

// take returns what has come, and forgets it.
func (u *rawUpstream) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	defer func() { u.seen = nil }()
	return slices.Clone(u.seen)
}

// hostile is what a client sends and what must become of it. After each goes a
// harmless request: it must be answered when the connection is kept, and must never
// reach the upstream otherwise.
type hostile struct {
	name, wire string
	status     int    // of the first answer
	upstream   string // what the upstream gets of it; "" for nothing
}

const (
	next     = "GET /next HTTP/1.1\r\nHost: api.test\r\n\r\n"
	post     = "POST / HTTP/1.1\r\nHost: api.test\r\n"
	get      = "GET / HTTP/1.1\r\nHost: api.test\r\n"
	passed   = "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n"
	smuggled = "GET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n"
)

func lengths() []hostile {
	return []hostile{
		{"a length and chunked", post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", 400, ""},
		{"chunked and a length", post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + smuggled, 400, ""},
		{"different lengths", post + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + smuggled, 400, ""},
		{"a list of lengths", post + "Content-Length: 2, 2\r\n\r\nab", 400, ""},
		{"a list of different lengths", post + "Content-Length: 0, 44\r\n\r\n" + smuggled, 400, ""},
		{"the same length twice", post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", 200, post + "Content-Length: 2\r\n\r\nab"},
		{"a length with a sign", post + "Content-Length: +2\r\n\r\nab", 400, ""},
		{"a negative length", post + "Content-Length: -1\r\n\r\nab", 400, ""},
		{"a length in hex", post + "Content-Length: 0x2\r\n\r\nab", 400, ""},
		{"a length with a remark", post + "Content-Length: 2;x\r\n\r\nab", 400, ""},
		{"an empty length", post + "Content-Length: \r\n\r\nab", 400, ""},
		{"a length above 2^63", post + "Content-Length: 9223372036854775808\r\n\r\nab", 400, ""},
		{"a length of 2^64", post + "Content-Length: 18446744073709551616\r\n\r\n" + smuggled, 400, ""},
		{"a length with zeros before", post + "Content-Length: 002\r\n\r\nab", 200, post + "Content-Length: 2\r\n\r\nab"},
		{"a body of GET", get + "Content-Length: 2\r\n\r\nab", 200, get + "Content-Length: 2\r\n\r\nab"},
	}
}

func codings() []hostile {
	refused := func(name, line string, status int) hostile {
		return hostile{name, post + line + "\r\n0\r\n\r\n", status, ""}
	}
	return []hostile{
		{"chunked", post + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 200, post + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
		{"chunked in capitals", post + "TRANSFER-ENCODING: CHUNKED\r\n\r\n2\r\nab\r\n0\r\n\r\n", 200, post + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
		refused("twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
		refused("a list of two", "Transfer-Encoding: chunked, chunked\r\n", 400),
		refused("identity after it", "Transfer-Encoding: chunked, identity\r\n", 501),
		refused("identity", "Transfer-Encoding: identity\r\n", 501),
		refused("identity in another line", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 501),
		refused("gzip before it", "Transfer-Encoding: gzip, chunked\r\n", 501),
		refused("gzip after it", "Transfer-Encoding: chunked, gzip\r\n", 400),
		refused("another word", "Transfer-Encoding: xchunked\r\n", 501),
		refused("empty", "Transfer-Encoding: \r\n", 400),
		refused("quoted", "Transfer-Encoding: \"chunked\"\r\n", 501),
		refused("with a parameter", "Transfer-Encoding: chunked;x\r\n", 400),
		refused("with a comma", "Transfer-Encoding: ,chunked\r\n", 400),
		refused("vertical tab before", "Transfer-Encoding: \x0bchunked\r\n", 400),
		refused("NUL after", "Transfer-Encoding: chunked\x00\r\n", 400),
		refused("white space before the colon", "Transfer-Encoding : chunked\r\n", 400),
		refused("tab before the colon", "Transfer-Encoding\t: chunked\r\n", 400),
		refused("a field before it without end", "X: y\nTransfer-Encoding: chunked\r\n", 400),
		refused("folded", "Transfer-Encoding:\r\n chunked\r\n", 400),
		refused("folded after another", "X: y\r\n Transfer-Encoding: chunked\r\n", 400),
		refused("an underscore is another name", "Transfer_Encoding: chunked\r\nTransfer-Encoding: x\r\n", 501),
		refused("a length named by Connection", "Connection: Content-Length\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400),
		{"in HTTP/1.0", "POST / HTTP/1.0\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ""},
		{"named by Connection", post + "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 200, post + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
	}
}

func chunkedBodies() []hostile {
	head := post + "Transfer-Encoding: chunked\r\n\r\n"
	whole := head + "2\r\nab\r\n0\r\n\r\n"
	bad := func(name, body string) hostile { return hostile{name, head + body, 400, ""} }
	return []hostile{
		{"extensions are dropped", head + "2;a=b;c=\"d\"\r\nab\r\n0;x\r\n\r\n", 200, whole},
		{"zeros before a size", head + "0002\r\nab\r\n000\r\n\r\n", 200, whole},
		bad("a size with a sign", "+2\r\nab\r\n0\r\n\r\n"),
		bad("a size in 0x", "0x2\r\nab\r\n0\r\n\r\n"),
		bad("no size", "\r\nab\r\n0\r\n\r\n"),
		bad("a size of 17 digits", "00000000000000002\r\nab\r\n0\r\n\r\n"),
		bad("a size above 2^63", "ffffffffffffffff\r\nab\r\n0\r\n\r\n"),
		bad("a size and a space before", " 2\r\nab\r\n0\r\n\r\n"),
		bad("bare LF after a size", "2\nab\r\n0\r\n\r\n"),
		bad("bare CR in an extension", "2;a\rb\r\nab\r\n0\r\n\r\n"),
		bad("bare LF in an extension", "2;a\nb\r\nab\r\n0\r\n\r\n"),
		bad("bare LF after data", "2\r\nab\n0\r\n\r\n"),
		bad("two bytes too many", "2\r\nabcd\r\n0\r\n\r\n"),
		bad("a size line of 2 KiB", "2;"+strings.Repeat("x", 2048)+"\r\nab\r\n0\r\n\r\n"),
		bad("extensions without end", strings.Repeat("1;"+strings.Repeat("x", 900)+"\r\na\r\n", 40)+"0\r\n\r\n"),
		bad("bare LF in trailers", "2\r\nab\r\n0\r\nX: y\n\r\n"),
		bad("a folded trailer", "2\r\nab\r\n0\r\nX: y\r\n z\r\n\r\n"),
		bad("trailers of 100 KiB", "2\r\nab\r\n0\r\nX: "+strings.Repeat("y", 100<<10)+"\r\n\r\n"),
		bad("2000 trailers", "2\r\nab\r\n0\r\n"+strings.Repeat("X: y\r\n", 2000)+"\r\n"),
		{"trailers that reframe are dropped", head + "2\r\nab\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: evil\r\n\r\n", 200, whole},
		{"trailers that reframe are not announced", post + "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n", 400, ""},
	}
}

func lines() []hostile {
	return []hostile{
		{"plain", passed, 200, passed},
		{"an empty line before", "\r\n" + passed, 200, passed},
		{"two empty lines before", "\r\n\r\n" + passed, 400, ""},
		{"bare LF everywhere", strings.ReplaceAll(passed, "\r\n", "\n"), 400, ""},
		{"bare LF after the request line", "GET / HTTP/1.1\nHost: api.test\r\n\r\n", 400, ""},
		{"bare LF after a field", "GET / HTTP/1.1\r\nHost: api.test\nX: y\r\n\r\n", 400, ""},
		{"bare CR in a value", get + "X: a\rb\r\n\r\n", 400, ""},
		{"bare CR for CRLF", strings.ReplaceAll(passed, "\r\n", "\r"), 400, ""},
		{"NUL in a value", get + "X: a\x00b\r\n\r\n", 400, ""},
		{"NUL in a name", get + "X\x00: a\r\n\r\n", 400, ""},
		{"NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"DEL in a value", get + "X: a\x7fb\r\n\r\n", 400, ""},
		{"white space before the colon", get + "X : a\r\n\r\n", 400, ""},
		{"no colon", get + "X\r\n\r\n", 400, ""},
		{"no name", get + ": a\r\n\r\n", 400, ""},
		{"a folded field", get + "X: a\r\n b\r\n\r\n", 400, ""},
		{"a folded first field", "GET / HTTP/1.1\r\n Host: api.test\r\n\r\n", 400, ""},
		{"a letter beyond ASCII in a name", get + "X\xc3\xa9: a\r\n\r\n", 400, ""},
		{"two spaces", "GET  / HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"a space at the end", "GET / HTTP/1.1 \r\nHost: api.test\r\n\r\n", 400, ""},
		{"a tab between", "GET\t/ HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"a space in the target", "GET /a b HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"a fragment", "GET /#x HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"half an escape", "GET /%4 HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"a method with a colon", "GE:T / HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"a method in brackets", "(GET) / HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"a method of its own", "FETCH / HTTP/1.1\r\nHost: api.test\r\n\r\n", 200, "FETCH / HTTP/1.1\r\nHost: api.test\r\n\r\n"},
		{"no method", " / HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"no target", "GET HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"a relative target", "GET a HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"star with GET", "GET * HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
	}
}

func versionsAndHosts() []hostile {
	return []hostile{
		{"HTTP/0.9", "GET /\r\n\r\n", 400, ""},
		{"HTTP/2.0", "GET / HTTP/2.0\r\nHost: api.test\r\n\r\n", 505, ""},
		{"half of HTTP/2's greeting", "PRI * HTTP/2.0\r\n\r\n", 505, ""},
		{"HTTP/1.10", "GET / HTTP/1.10\r\nHost: api.test\r\n\r\n", 400, ""},
		{"HTTP/1,1", "GET / HTTP/1,1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"http/1.1", "GET / http/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: api.test\r\n\r\n", 200, passed},
		{"HTTP/1.0 ends the connection", "GET / HTTP/1.0\r\nHost: api.test\r\n\r\n", 200, passed},
		{"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 404, ""},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400, ""},
		{"two Hosts", get + "Host: api.test\r\n\r\n", 400, ""},
		{"two different Hosts", get + "Host: evil.test\r\n\r\n", 400, ""},
		{"a list of Hosts", "GET / HTTP/1.1\r\nHost: api.test, evil.test\r\n\r\n", 400, ""},
		{"user information in Host", "GET / HTTP/1.1\r\nHost: x@api.test\r\n\r\n", 400, ""},
		{"a path in Host", "GET / HTTP/1.1\r\nHost: api.test/x\r\n\r\n", 400, ""},
		{"a port that is none", "GET / HTTP/1.1\r\nHost: api.test:x\r\n\r\n", 400, ""},
		{"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, ""},
		{"an absolute target comes before Host", "GET http://api.test/a HTTP/1.1\r\nHost: evil.test\r\n\r\n", 200, "GET /a HTTP/1.1\r\nHost: api.test\r\n\r\n"},
		{"an absolute target of another scheme", "GET ftp://api.test/a HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"an absolute target with a user", "GET http://x@api.test/a HTTP/1.1\r\nHost: api.test\r\n\r\n", 400, ""},
		{"CONNECT", "CONNECT api.test:80 HTTP/1.1\r\nHost: api.test:80\r\n\r\n", 405, ""},
		{"an unknown expectation", get + "Expect: 200-ok\r\n\r\n", 417, ""},
	}
}

func sizes() []hostile {
	return []hostile{
		{"a request line of 70 KiB", "GET /" + strings.Repeat("a", 70<<10) + " HTTP/1.1\r\nHost: api.test\r\n\r\n", 414, ""},
		{"a head of 1 MB", get + "X: " + strings.Repeat("y", 1_000_000) + "\r\n\r\n", 431, ""},
		{"2000 fields", get + strings.Repeat("X: y\r\n", 2000) + "\r\n", 431, ""},
		{"fields of one connection go no further", get + "Connection: close, X-Hop, Keep-Alive\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\nProxy-Connection: x\r\n\r\n", 200, passed},
		{"an upgrade to h2c is not asked for", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", 200, passed},
		{"another upgrade is", get + "Connection: Upgrade\r\nUpgrade: h2c, lines\r\n\r\n", 200, get + "Connection: Upgrade\r\nUpgrade: lines\r\n\r\n"},
	}
}

// closes tells which requests that are answered well still end their connection.
var closes = map[string]bool{"HTTP/1.0 ends the connection": true, "HTTP/1.0 without Host": true, "fields of one connection go no further": true}

// TestHostileRequests: whatever a client sends, the gateway and the upstream see the
// same requests.
func TestHostileRequests(t *testing.T) {
	onlyHTTP1(t)
	up := newRawUpstream(t)
	h := start(t, to(up.URL))
	for group, cases := range map[string][]hostile{
		"lengths": lengths(), "codings": codings(), "chunks": chunkedBodies(), "lines": lines(), "versions and hosts": versionsAndHosts(), "sizes": sizes(),
	} {
		t.Run(group, func(t *testing.T) {
			for _, tt := range cases {
				if fault := h.survives(t, up, tt); fault != "" {
					t.Errorf("%s: %s", tt.name, fault)
				}
			}
		})
	}
}

// survives says what went wrong with a case.
func (h *harness) survives(t *testing.T, up *rawUpstream, tt hostile) string {
	t.Helper()
	up.take()
	c, r := h.dial()
	defer c.Close()
	go func() { _, _ = io.WriteString(c, tt.wire+next) }() // a refusal may come before all was sent
	statuses := answers(r)
	want, seen := []int{tt.status}, []string{}
	if tt.upstream != "" {
		seen = append(seen, tt.upstream)
	}
	if tt.status == 200 && !closes[tt.name] || tt.status == 405 {
		want, seen = append(want, 200), append(seen, strings.Replace(passed, "/ ", "/next ", 1))
	}
	if !slices.Equal(statuses, want) {
		return fmt.Sprintf("answers %v, want %v", statuses, want)
	}
	got := slices.DeleteFunc(up.take(), func(s string) bool { return strings.HasSuffix(s, "(cut)") })
	if !slices.Equal(got, seen) {
		return fmt.Sprintf("the upstream got %q, want %q", got, seen)
	}
	return ""
}

// answers reads all answers of a connection. It ends after the one to the harmless
// request, or with the connection.
func answers(r *bufio.Reader) (out []int) {
	for len(out) < 2 {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return out
		}
		_, _ = io.Copy(io.Discard, res.Body)
		out = append(out, res.StatusCode)
	}
	return out
}
