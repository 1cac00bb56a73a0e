package front_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frames is a connection whose frames of HTTP/2 the test writes and reads itself.
type frames struct {
	*http2.Framer
	t      *testing.T
	conn   net.Conn
	stream uint32
	block  bytes.Buffer
	coder  *hpack.Encoder
}

// http2Frames connects by what the tests speak: with TLS or with prior knowledge.
func (h *harness) http2Frames(t *testing.T) *frames {
	t.Helper()
	c := h.below()
	if spoken.secure() {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}) // #nosec G402 -- the certificate is not what is tested
	}
	f := &frames{Framer: http2.NewFramer(c, c), t: t, conn: c, stream: 1}
	f.coder = hpack.NewEncoder(&f.block)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	f.must(f.WriteSettings())
	return f
}

func (f *frames) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// request sends fields, "name: value" each, and parts of a body.
func (f *frames) request(fields []string, end bool, body ...string) {
	f.t.Helper()
	f.block.Reset()
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		f.must(f.coder.WriteField(hpack.HeaderField{Name: name, Value: value}))
	}
	f.must(f.WriteHeaders(http2.HeadersFrameParam{StreamID: f.stream, BlockFragment: f.block.Bytes(), EndHeaders: true, EndStream: end}))
	for i, part := range body {
		_ = f.WriteData(f.stream, i == len(body)-1, []byte(part)) // the server may have refused
	}
	f.stream += 2
}

// answer is the status, or how the stream or the connection was ended.
func (f *frames) answer() string {
	f.t.Helper()
	for {
		frame, err := f.ReadFrame()
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if s := frame.PseudoValue("status"); s[0] != '1' {
				return s
			}
		case *http2.RSTStreamFrame:
			return "reset"
		case *http2.GoAwayFrame:
			return "goaway"
		}
		if err != nil {
			return "closed"
		}
	}
}

// TestHostileRequestsOfHTTP2: what net/http lets pass must not become two requests, or
// another one, in HTTP/1.1.
func TestHostileRequestsOfHTTP2(t *testing.T) {
	if !spoken.http2() {
		t.Skip("about HTTP/2; smuggling_test.go has HTTP/1.x")
	}
	up := newRawUpstream(t)
	h := start(t, to(up.URL))
	scheme := spoken.scheme()
	other := map[string]string{"http": "https", "https": "http"}[scheme]
	head := func(method, path string, more ...string) []string {
		return append([]string{":method: " + method, ":scheme: " + scheme, ":authority: api.test", ":path: " + path}, more...)
	}
	for _, tt := range []struct {
		name   string
		fields []string
		body   []string // nil: the stream ends with the head
		want   string
		passes string
	}{
		{"plain", head("GET", "/"), nil, "200", passed},
		{"a body", head("POST", "/"), []string{"a", "b"}, "200", post + "Transfer-Encoding: chunked\r\n\r\n*"},
		{"a body with its length", head("POST", "/", "content-length: 2"), []string{"ab"}, "200", post + "Content-Length: 2\r\n\r\nab"},
		{"crumbs of a cookie", head("GET", "/", "cookie: a=1", "cookie: b=2"), nil, "200", get + "Cookie: a=1; b=2\r\n\r\n"},
		{"TE: trailers", head("GET", "/", "te: trailers"), nil, "200", get + "Connection: TE\r\nTE: trailers\r\n\r\n"},
		{"the authority as Host", head("GET", "/", "host: api.test"), nil, "200", passed},
		{"another Host", head("GET", "/", "host: evil.test"), nil, "400", ""},
		{"no authority", []string{":method: GET", ":scheme: " + scheme, ":path: /", "host: api.test"}, nil, "200", passed},
		{"neither", []string{":method: GET", ":scheme: " + scheme, ":path: /"}, nil, "400", ""},
		{"an authority with a user", []string{":method: GET", ":scheme: " + scheme, ":authority: x@api.test", ":path: /"}, nil, "reset", ""},
		{"an authority with a path", []string{":method: GET", ":scheme: " + scheme, ":authority: api.test/x", ":path: /"}, nil, "400", ""},
		{"another scheme is the connection's", []string{":method: GET", ":scheme: " + other, ":authority: api.test", ":path: /"}, nil, "200", passed},
		{"Connection", head("GET", "/", "connection: close"), nil, "400", ""},
		{"Keep-Alive", head("GET", "/", "keep-alive: 5"), nil, "400", ""},
		{"Proxy-Connection", head("GET", "/", "proxy-connection: x"), nil, "400", ""},
		{"Upgrade", head("GET", "/", "upgrade: websocket"), nil, "400", ""},
		{"Transfer-Encoding", head("POST", "/", "transfer-encoding: chunked"), []string{"0\r\n\r\n" + smuggled}, "400", ""},
		{"TE: chunked", head("GET", "/", "te: chunked"), nil, "400", ""},
		{"a length that is too small", head("POST", "/", "content-length: 1"), []string{"a" + smuggled}, "reset", ""},
		{"a length that is too large", head("POST", "/", "content-length: 500"), []string{"a"}, "reset", ""},
		{"a length and no body", head("POST", "/", "content-length: 5"), nil, "400", ""},
		{"a length that is a list", head("POST", "/", "content-length: 2, 2"), []string{"ab"}, "400 or reset", ""},
		{"a length with a sign", head("POST", "/", "content-length: +2"), []string{"ab"}, "400 or reset", ""},
		{"two lengths", head("POST", "/", "content-length: 2", "content-length: 3"), []string{"ab"}, "400 or reset", ""},
		{"a line break in a value", head("GET", "/", "x: a\r\nhost: evil.test"), nil, "reset", ""},
		{"NUL in a value", head("GET", "/", "x: a\x00b"), nil, "reset", ""},
		{"DEL in a value", head("GET", "/", "x: a\x7fb"), nil, "reset", ""},
		{"a line break in a name", head("GET", "/", "x\r\ny: a"), nil, "reset", ""},
		{"a capital in a name", head("GET", "/", "X: a"), nil, "reset", ""},
		{"a colon in a name", head("GET", "/", "x:y: a"), nil, "reset", ""},
		{"a line break in the path", head("GET", "/ HTTP/1.1\r\nx: y"), nil, "reset", ""},
		{"a space in the path", head("GET", "/a b"), nil, "400", ""},
		{"a fragment in the path", head("GET", "/a#b"), nil, "400", ""},
		{"a whole URL as path", head("GET", "http://evil.test/"), nil, "400", ""},
		{"no slash in the path", head("GET", "a"), nil, "reset", ""},
		{"an empty path", head("GET", ""), nil, "reset", ""},
		{"star with GET", head("GET", "*"), nil, "400", ""},
		{"a space in the method", head("GET / HTTP/1.1", "/"), nil, "400", ""},
		{"a line break in the method", head("GET\r\nx: y", "/"), nil, "reset", ""},
		{"no method", []string{":scheme: " + scheme, ":authority: api.test", ":path: /"}, nil, "reset", ""},
		{"two paths", head("GET", "/", ":path: /b"), nil, "reset", ""},
		{"a pseudo field after others", head("GET", "/", "x: y", ":method: POST"), nil, "reset", ""},
		{"an unknown pseudo field", append([]string{":x: y"}, head("GET", "/")...), nil, "reset", ""},
		{"a status", append([]string{":status: 200"}, head("GET", "/")...), nil, "reset", ""},
		{"CONNECT", []string{":method: CONNECT", ":authority: api.test:80"}, nil, "405", ""},
		{"CONNECT with a path", head("CONNECT", "/"), nil, "reset", ""},
		{"an unknown expectation", head("POST", "/", "expect: 200-ok"), []string{"a"}, "417", ""},
		{"2000 fields", head("GET", "/", strings.Split(strings.Repeat("x: y,", 2000)+"x: y", ",")...), nil, "431", ""},
	} {
		up.take()
		f := h.http2Frames(t)
		f.request(tt.fields, tt.body == nil, tt.body...)
		got := f.answer()
		_ = f.conn.Close()
		if !strings.Contains(tt.want, got) { // which comes first, the refusal or too much data, is chance
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if fault := sameWire(up.take(), tt.passes); fault != "" {
			t.Errorf("%s: the upstream got %s", tt.name, fault)
		}
	}
}

// sameWire compares what the upstream got. A "*" at the end stands for chunks, which
// may be cut anywhere. What was cut off was no request.
func sameWire(seen []string, want string) string {
	var whole []string
	for _, s := range seen {
		if !strings.HasSuffix(s, "(cut)") {
			whole = append(whole, s)
		}
	}
	prefix, open := strings.CutSuffix(want, "*")
	switch {
	case want == "" && len(whole) == 0, len(whole) == 1 && (whole[0] == want || open && strings.HasPrefix(whole[0], prefix)):
		return ""
	}
	return fmt.Sprintf("%q, want %q", whole, want)
}

// TestPriorKnowledge is needed without TLS; HTTP/1.x is spoken on the same port.
func TestPriorKnowledge(t *testing.T) {
	if spoken.secure() {
		t.Skip("about clear text; in TLS the handshake chooses")
	}
	up := serve(t, paths)
	h := start(t, to(up.URL))
	for _, p := range []protocol{"http", "h2c", "http", "h2c"} {
		tr := p.transport()
		res, err := tr.RoundTrip(h.request("POST", "/x", "hello"))
		if err != nil {
			t.Fatal(p, err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		tr.CloseIdleConnections()
		if string(body) != "POST /x hello" || res.ProtoMajor == 2 != p.http2() {
			t.Errorf("%s: %q by %s", p, body, res.Proto)
		}
		if e := h.recorded(); e.GetRequest().GetHttpVersion() != res.Proto || e.GetConnection().GetTls() != nil || e.GetRequest().GetScheme() != "http" {
			t.Errorf("%s: recorded %v", p, e)
		}
	}
}

// TestALPNChooses what is spoken in TLS.
func TestALPNChooses(t *testing.T) {
	if !spoken.secure() {
		t.Skip("about TLS")
	}
	up := serve(t, paths)
	h := start(t, to(up.URL))
	for _, p := range []protocol{"https", "h2"} {
		tr := p.transport()
		for range 2 {
			res, err := tr.RoundTrip(h.request("POST", "/x", "hello"))
			if err != nil {
				t.Fatal(p, err)
			}
			body, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if string(body) != "POST /x hello" || res.ProtoMajor == 2 != p.http2() {
				t.Errorf("%s: %q by %s", p, body, res.Proto)
			}
			e := h.recorded()
			if s := e.GetConnection().GetTls(); s.GetVersion() != "1.3" || !strings.HasPrefix(s.GetJa4Fingerprint(), "t13") || e.GetRequest().GetScheme() != "https" {
				t.Errorf("%s: recorded %v", p, e)
			}
		}
		tr.CloseIdleConnections()
	}
}

// TestDrainOfHTTP2 lets streams end and takes no new ones.
func TestDrainOfHTTP2(t *testing.T) {
	if !spoken.http2() {
		t.Skip("about HTTP/2; http1_test.go has HTTP/1.x")
	}
	release, arrived := make(chan struct{}), make(chan struct{})
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, "done")
	})
	h := start(t, to(up.URL))
	answer := make(chan string, 1)
	go func() {
		res, err := h.client.Do(h.request("GET", "/", ""))
		if err != nil {
			answer <- err.Error()
			return
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		answer <- string(body)
	}()
	<-arrived
	h.stop()
	eventually(t, "the listener's end", func() bool {
		c, err := net.Dial("tcp", h.Address)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	close(release)
	if got := <-answer; got != "done" {
		t.Error(got)
	}
	h.shutdown()
}
