package transport_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
	"sluice.dev/services/proxy/internal/http1/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// caller makes calls to one server.
type caller struct {
	t      *testing.T
	pool   *transport.Pool
	target transport.Target
	dials  atomic.Int32
}

func call(t *testing.T, address string, cfg transport.Config) *caller {
	c := &caller{t: t, target: transport.Target{Address: strings.TrimPrefix(strings.TrimPrefix(address, "http://"), "https://")}}
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c.dials.Add(1)
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
	}
	c.pool = transport.New(cfg)
	t.Cleanup(c.pool.Close)
	return c
}

// request is a message; a length of -1 makes it chunked.
func request(method, target, body string, length int64, header ...string) *message.Request {
	r := &message.Request{Method: method, Target: target, Host: "api.test", ContentLength: length, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func get(target string) *message.Request { return request("GET", target, "", 0) }

func (c *caller) try(req *message.Request) (*message.Response, string, bool, error) {
	res, trace, err := c.pool.RoundTrip(context.Background(), c.target, transport.Call{Request: req})
	if err != nil {
		return nil, "", trace.Reused, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return res, string(body), trace.Reused, err
}

func (c *caller) do(req *message.Request) (*message.Response, string, bool) {
	c.t.Helper()
	res, body, reused, err := c.try(req)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, body, reused
}

func server(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// script is a server that handles each connection, by its number from 0.
func script(t *testing.T, handle func(n int, c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); handle(n, c) }()
		}
	}()
	return l.Addr().String()
}

// readHead reads up to an empty line and returns the whole.
func readHead(c net.Conn) string {
	var b strings.Builder
	one := make([]byte, 1)
	for !strings.HasSuffix(b.String(), "\r\n\r\n") {
		if _, err := c.Read(one); err != nil {
			return b.String()
		}
		b.Write(one)
	}
	return b.String()
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Seen", fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Host, " ", r.ContentLength, " ", r.TransferEncoding, " ", r.Trailer.Get("X-Sum")))
	w.Header().Set("Trailer", "X-Down, X-Own")
	_, _ = w.Write(body)
	w.Header().Set("X-Down", "d")
	w.Header().Set("X-Own", "o")
}

func TestBodiesOfAllKinds(t *testing.T) {
	c := call(t, server(t, echo), transport.Config{})
	long := strings.Repeat("0123456789", 100_000)
	for i, tt := range []struct {
		body   string
		length int64
		want   string
	}{
		{"", 0, "POST /base/x?y api.test 0 []"},
		{"small", 5, "POST /base/x?y api.test 5 []"},
		{"chunked", -1, "POST /base/x?y api.test -1 [chunked] 1"},
		{long, int64(len(long)), "POST /base/x?y api.test 1000000 []"},
		{long, -1, "POST /base/x?y api.test -1 [chunked] 1"},
		{"", -1, "POST /base/x?y api.test -1 [chunked] 1"},
	} {
		req := request("POST", "/x?y", tt.body, tt.length)
		if tt.length < 0 {
			req.Trailer.Add("X-Sum", "1")
		}
		res, _, err := c.pool.RoundTrip(context.Background(), c.target, transport.Call{Request: req, Server: http1.Server{Prefix: "/base"}, DropTrailers: []string{"x-own"}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		if err != nil || string(got) != tt.body || res.Header.Get("x-seen") != tt.want {
			t.Errorf("%d: %d bytes, %q, %v", i, len(got), res.Header.Get("x-seen"), err)
		}
		if len(res.Trailer) != 1 || res.Trailer.Get("x-down") != "d" {
			t.Errorf("%d: trailers %v", i, res.Trailer)
		}
	}
	// The goroutine that sends a long body may give its connection back only after
	// the response was read, so that the next call finds none.
	if n := c.dials.Load(); n > 4 {
		t.Errorf("%d connections", n)
	}
}

func TestCancellation(t *testing.T) {
	arrived, gone := make(chan struct{}), make(chan struct{})
	c := call(t, server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
		}
		arrived <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
	}), transport.Config{})
	for _, path := range []string{"/head", "/body"} {
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-arrived; cancel() }()
		res, _, err := c.pool.RoundTrip(ctx, c.target, transport.Call{Request: get(path)})
		if err == nil {
			_, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
		} else if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", path, err)
		}
		if err == nil {
			t.Errorf("%s: no error", path)
		}
		<-gone
	}
}

func TestResponseTimeout(t *testing.T) {
	release := make(chan struct{})
	c := call(t, server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/slow" {
			<-release
			return
		}
		w.(http.Flusher).Flush()
		<-release // the body may take longer
		_, _ = io.WriteString(w, "late")
	}), transport.Config{Timeouts: transport.Timeouts{FirstByte: 200 * time.Millisecond}})
	for _, req := range []*message.Request{get("/slow"), request("POST", "/slow", "x", -1)} {
		_, _, _, err := c.try(req)
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || c.dials.Load() > 2 {
			t.Errorf("%v after %d connections", err, c.dials.Load())
		}
	}
	res, _, err := c.pool.RoundTrip(context.Background(), c.target, transport.Call{Request: get("/body")})
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(400*time.Millisecond, func() { close(release) })
	if body, err := io.ReadAll(res.Body); string(body) != "late" || err != nil {
		t.Errorf("%q %v", body, err)
	}
}

func TestFailures(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for name, tt := range map[string]struct {
		address string
		check   func(error) bool
	}{
		"refused": {closed.Addr().String(), func(err error) bool { var op *net.OpError; return errors.As(err, &op) && op.Op == "dial" }},
		"garbage": {script(t, func(_ int, c net.Conn) { _ = readHead(c); _, _ = io.WriteString(c, "SSH-2.0-x\r\n\r\n") }),
			func(err error) bool { var e *http1.Error; return errors.As(err, &e) }},
		"hangs up": {script(t, func(_ int, c net.Conn) { _ = readHead(c) }), func(err error) bool { return errors.Is(err, io.EOF) }},
		"hangs up in the head": {script(t, func(_ int, c net.Conn) { _ = readHead(c); _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX") }),
			func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		"hangs up in the body": {script(t, func(_ int, c net.Conn) {
			_ = readHead(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc")
		}),
			func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		"1xx without end": {script(t, func(_ int, c net.Conn) {
			_ = readHead(c)
			_, _ = io.WriteString(c, strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100))
		}), func(err error) bool { return strings.Contains(err.Error(), "1xx") }},
	} {
		c := call(t, tt.address, transport.Config{})
		if _, _, _, err := c.try(get("/")); err == nil || !tt.check(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRequestsThatCannotBeSent(t *testing.T) {
	c := call(t, server(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") }), transport.Config{})
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		req *message.Request
		is  func(error) bool
	}{
		"target":    {get("/a b"), unsendable},
		"value":     {request("GET", "/", "", 0, "X", "a\r\nb"), unsendable},
		"too short": {request("POST", "/", "abc", 5), source(io.ErrUnexpectedEOF)},
		"too long":  {request("POST", "/", "abcdef", 5), source(http1.ErrBodyTooLong)},
		"fails":     {&message.Request{Method: "POST", Target: "/", Host: "h", ContentLength: 5, Body: io.NopCloser(failing{broken})}, source(broken)},
	} {
		if _, _, _, err := c.try(tt.req); err == nil || !tt.is(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c.dials.Load() != 0 {
		t.Errorf("%d connections for nothing", c.dials.Load())
	}
}

func TestBodyThatFailsWhileItIsSent(t *testing.T) {
	failed := make(chan error, 3)
	c := call(t, server(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		failed <- err
	}), transport.Config{})
	broken := errors.New("broken")
	body := func() io.ReadCloser { return io.NopCloser(io.MultiReader(strings.NewReader("abc"), failing{broken})) }
	for name, length := range map[string]int64{"chunked": -1, "counted": 1 << 20} {
		req := request("POST", "/", "", length)
		req.Body = body()
		if _, _, _, err := c.try(req); err == nil || !source(broken)(err) {
			t.Errorf("%s: %v", name, err)
		}
		if err := <-failed; err == nil {
			t.Errorf("%s: the server took it for whole", name)
		}
	}
}

func unsendable(err error) bool { var u *http1.UnsendableError; return errors.As(err, &u) }

func source(cause error) func(error) bool {
	return func(err error) bool {
		var s *http1.SourceError
		return errors.As(err, &s) && errors.Is(err, cause)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(echo))
	t.Cleanup(s.Close)
	c := call(t, s.URL, transport.Config{})
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c.target.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	for i := range 3 {
		if _, body, reused := c.do(request("POST", "/", "hello", 5)); body != "hello" || reused != (i > 0) {
			t.Errorf("%q reused %t", body, reused)
		}
	}
	c.target.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	var verify *tls.CertificateVerificationError
	if _, _, _, err := c.try(get("/")); !errors.As(err, &verify) {
		t.Errorf("%v", err)
	}
}
