package front_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dial opens a connection whose bytes the test writes and reads itself.
func (h *harness) dial() (net.Conn, *bufio.Reader) {
	h.t.Helper()
	c := h.below()
	if spoken.secure() {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // #nosec G402 -- the certificate is not what is tested
	}
	return c, bufio.NewReader(c)
}

// below is a connection without TLS, whatever is expected of it.
func (h *harness) below() net.Conn {
	h.t.Helper()
	c, err := net.Dial("tcp", h.Address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// response reads one response to a request with a method.
func response(t *testing.T, r *bufio.Reader, method string) (*http.Response, string) {
	t.Helper()
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func paths(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, body)
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	onlyHTTP1(t)
	up := serve(t, paths)
	h := start(t, to(up.URL))
	c, r := h.dial()
	_, _ = io.WriteString(c, "GET /1 HTTP/1.1\r\nHost: api.test\r\n\r\n"+
		"POST /2 HTTP/1.1\r\nHost: api.test\r\nContent-Length: 3\r\n\r\nabc"+
		"POST /3 HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n"+
		"\r\nGET /4 HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n")
	for i, want := range []string{"GET /1 ", "POST /2 abc", "POST /3 def", "GET /4 "} {
		res, body := response(t, r, "GET")
		if body != want || res.Close != (i == 3) {
			t.Errorf("%d: %q, close %t", i, body, res.Close)
		}
	}
	if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
		t.Errorf("then %q %v", rest, err)
	}
}

func TestBodiesThatNobodyReads(t *testing.T) {
	onlyHTTP1(t)
	h := start(t, nil) // every request is a 404
	t.Run("a small one is passed over", func(t *testing.T) {
		c, r := h.dial()
		for range 2 {
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 70000\r\n\r\n"+strings.Repeat("x", 70000))
			if res, _ := response(t, r, "POST"); res.StatusCode != 404 || res.Close {
				t.Errorf("%d, close %t", res.StatusCode, res.Close)
			}
		}
	})
	t.Run("a large one ends the connection", func(t *testing.T) {
		c, r := h.dial()
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 1000000000\r\n\r\n"+strings.Repeat("x", 70000))
		if res, _ := response(t, r, "POST"); res.StatusCode != 404 {
			t.Errorf("%d", res.StatusCode)
		}
		if _, err := r.ReadByte(); err == nil {
			t.Error("there is more")
		}
	})
	t.Run("one that was not asked for ends the connection", func(t *testing.T) {
		c, r := h.dial()
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
		if res, _ := response(t, r, "POST"); res.StatusCode != 404 || !res.Close {
			t.Errorf("%d, close %t", res.StatusCode, res.Close)
		}
		if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("then %v", err)
		}
	})
}

func TestHTTP10(t *testing.T) {
	onlyHTTP1(t)
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "known")
		if r.URL.Path == "/unknown" {
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, " and more")
		}
	})
	h := start(t, to(up.URL))
	c, r := h.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.0\r\nHost: api.test\r\nConnection: keep-alive\r\n\r\n")
	if res, body := response(t, r, "GET"); body != "known" || res.Header.Get("Connection") != "keep-alive" {
		t.Errorf("%q %v", body, res.Header)
	}
	_, _ = io.WriteString(c, "GET /unknown HTTP/1.0\r\nHost: api.test\r\nConnection: keep-alive\r\n\r\n")
	res, body := response(t, r, "GET")
	if body != "known and more" || !res.Close || len(res.TransferEncoding) > 0 {
		t.Errorf("%q, close %t, %v", body, res.Close, res.TransferEncoding)
	}
}

// TestCutBodyWithoutLengthIsAReset: the end of the connection would look like the
// end of the body.
func TestCutBodyWithoutLengthIsAReset(t *testing.T) {
	onlyHTTP1(t)
	up := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 512))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
	})
	h := start(t, to("http://"+up))
	c, r := h.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.0\r\nHost: api.test\r\n\r\n")
	if all, err := io.ReadAll(r); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q %v", all, err)
	}
}

func TestTimeouts(t *testing.T) {
	onlyHTTP1(t)
	up := serve(t, paths)
	h := start(t, to(up.URL), func(c *harnessConfig) {
		c.front.ReadHeaderTimeout, c.front.IdleTimeout = 300*time.Millisecond, 600*time.Millisecond
	})
	for name, sent := range map[string]string{
		"nothing is sent":       "",
		"half a head":           "GET / HTTP/1.1\r\nHost: api.te",
		"idle after a response": "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n",
		"half a second head":    "GET / HTTP/1.1\r\nHost: api.test\r\n\r\nGET / HT",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, r := h.dial()
			_, _ = io.WriteString(c, sent)
			if strings.Contains(sent, "\r\n\r\n") {
				response(t, r, "GET")
			}
			begin := time.Now()
			if rest, err := io.ReadAll(r); err != nil || strings.Contains(string(rest), " 200 ") || time.Since(begin) > 10*time.Second {
				t.Errorf("%q %v after %v", rest, err, time.Since(begin))
			}
		})
	}
}

// TestSlowBodyOutlivesTheHeadsTimeout: a body may take as long as parts of it come.
func TestSlowBodyOutlivesTheHeadsTimeout(t *testing.T) {
	onlyHTTP1(t)
	up := serve(t, paths)
	h := start(t, to(up.URL), func(c *harnessConfig) {
		c.front.ReadHeaderTimeout = 200 * time.Millisecond
	})
	c, r := h.dial()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 4\r\n\r\nab")
	time.AfterFunc(500*time.Millisecond, func() { _, _ = io.WriteString(c, "cd") })
	if _, body := response(t, r, "POST"); body != "POST / abcd" {
		t.Error(body)
	}
}

func TestIdleConnectionsEndWithTheDrain(t *testing.T) {
	onlyHTTP1(t)
	up := serve(t, paths)
	h := start(t, to(up.URL))
	used, r := h.dial()
	fresh, _ := h.dial()
	_, _ = io.WriteString(used, "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
	response(t, r, "GET")
	begin := time.Now()
	h.shutdown()
	if time.Since(begin) > 4*time.Second {
		t.Errorf("it took %v", time.Since(begin))
	}
	for _, c := range []net.Conn{used, fresh} {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("an open connection")
		}
	}
}

func TestDrainCutsWhatTakesTooLong(t *testing.T) {
	onlyHTTP1(t)
	arrived := make(chan struct{})
	up := serve(t, func(_ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() })
	h := start(t, to(up.URL), func(c *harnessConfig) { c.front.DrainTimeout = 200 * time.Millisecond })
	c, r := h.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
	<-arrived
	h.shutdown()
	if _, err := r.ReadByte(); err == nil {
		t.Error("an answer")
	}
}

// TestClientThatGoesAwayAfterItsBody is noticed, too.
func TestClientThatGoesAwayAfterItsBody(t *testing.T) {
	onlyHTTP1(t)
	for name, head := range map[string]string{"counted": "Content-Length: 4\r\n\r\nbody", "chunked": "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			arrived, cancelled := make(chan struct{}), make(chan struct{})
			up := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.ReadAll(r.Body)
				close(arrived)
				<-r.Context().Done()
				close(cancelled)
			})
			h := start(t, to(up.URL))
			c, _ := h.dial()
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: api.test\r\n"+head)
			<-arrived
			_ = c.Close()
			<-cancelled
			if e := h.recorded(); e.GetError().GetCode() != "SLUICE_4498" {
				t.Errorf("recorded %v", e)
			}
		})
	}
}

// TestSlowRequestsKeepTheConnection: watching a client must not lose what it sends.
func TestSlowRequestsKeepTheConnection(t *testing.T) {
	onlyHTTP1(t)
	release := make(chan struct{})
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		paths(w, r)
	})
	h := start(t, to(up.URL))
	c, r := h.dial()
	_, _ = io.WriteString(c, "GET /1 HTTP/1.1\r\nHost: api.test\r\n\r\n")
	time.AfterFunc(200*time.Millisecond, func() {
		_, _ = io.WriteString(c, "GET /2 HTTP/1.1\r\nHost: api.test\r\n\r\n") // the watch reads it
		time.AfterFunc(100*time.Millisecond, func() { close(release) })
	})
	for _, want := range []string{"GET /1 ", "GET /2 "} {
		if _, body := response(t, r, "GET"); body != want {
			t.Errorf("%q", body)
		}
	}
	_, _ = io.WriteString(c, "GET /3 HTTP/1.1\r\nHost: api.test\r\n\r\n")
	if _, body := response(t, r, "GET"); body != "GET /3 " {
		t.Errorf("%q", body)
	}
}
