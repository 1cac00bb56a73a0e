package front_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// slow counts the clients that were cut off for being slow at something.
func (h *harness) slow(at string) float64 {
	h.t.Helper()
	families, err := h.metrics.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "sluice_proxy_slow_clients_total" && m.GetLabel()[0].GetValue() == at {
				return m.GetCounter().GetValue()
			}
		}
	}
	h.t.Fatalf("nobody counts clients that are slow at %s", at)
	return 0
}

// endless writes until it cannot.
func endless(ended chan<- struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		for part := make([]byte, 64<<10); ; {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}
}

// TestClientThatDoesNotRead is cut off, and the upstream with it.
func TestClientThatDoesNotRead(t *testing.T) {
	ended := make(chan struct{})
	up := serve(t, endless(ended))
	h := start(t, to(up.URL), func(c *harnessConfig) { c.front.WriteTimeout = 300 * time.Millisecond })
	res := h.do(h.request("GET", "/", ""))
	if _, err := io.ReadFull(res.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the upstream still writes")
	}
	eventually(t, "the count", func() bool { return h.slow("response") == 1 })
	if e := h.recorded(); e.GetError().GetCode() != "SLUICE_4498" {
		t.Errorf("recorded %v", e)
	}
}

// TestSlowReaderThatGoesOnIsServed: only those are cut off that take nothing.
func TestSlowReaderThatGoesOnIsServed(t *testing.T) {
	t.Parallel() // it takes longer than the timeout
	const size = 8 << 20
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, size) })
	h := start(t, to(up.URL), func(c *harnessConfig) { c.front.WriteTimeout = 2 * time.Second })
	res := h.do(h.request("GET", "/", ""))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	n := 0
	for buf := make([]byte, 256<<10); ; <-tick.C {
		got, err := io.ReadFull(res.Body, buf)
		n += got
		if err != nil {
			break
		}
	}
	if n != size || h.slow("response") != 0 {
		t.Errorf("%d bytes, %v cut off", n, h.slow("response"))
	}
}

// TestStreamThatIsSilentLasts: an upstream that has nothing to say is no slow client.
func TestStreamThatIsSilentLasts(t *testing.T) {
	t.Parallel() // it is silent for longer than the timeout
	next := make(chan struct{})
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 2 {
			_, _ = io.WriteString(w, "event\n")
			w.(http.Flusher).Flush()
			<-next
		}
	})
	h := start(t, to(up.URL), func(c *harnessConfig) { c.front.WriteTimeout = time.Second })
	res := h.do(h.request("GET", "/", ""))
	buf := make([]byte, len("event\n"))
	for range 2 {
		if _, err := io.ReadFull(res.Body, buf); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(1500*time.Millisecond, func() { next <- struct{}{} })
	}
	if _, err := res.Body.Read(buf); err != io.EOF {
		t.Error(err)
	}
}

// TestSlowSenders are cut off at what they are slow at, and told if they can be.
func TestSlowSenders(t *testing.T) {
	onlyHTTP1(t)
	t.Parallel()
	up := serve(t, paths)
	h := start(t, to(up.URL), func(c *harnessConfig) {
		c.front.ReadHeaderTimeout, c.front.IdleTimeout = time.Second, time.Second
	})
	for _, tt := range []struct{ name, sent, at, want string }{
		{"nothing", "", "head", ""},
		{"half a head", "GET / HTTP/1.1\r\nHost: api.te", "head", ""},
		{"half a body", "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 4\r\n\r\nab", "body", "HTTP/1.1 408 "},
		{"half a chunk", "POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab", "body", "HTTP/1.1 408 "},
	} {
		before := h.slow(tt.at)
		c, r := h.dial()
		_, _ = io.WriteString(c, tt.sent)
		all, _ := io.ReadAll(r)
		if got := string(all); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: %q", tt.name, got)
		}
		eventually(t, fmt.Sprintf("the count of %s", tt.name), func() bool { return h.slow(tt.at) == before+1 })
	}
}

// TestHandshakeThatIsNotMade ends in time.
func TestHandshakeThatIsNotMade(t *testing.T) {
	if !spoken.secure() {
		t.Skip("about TLS")
	}
	h := start(t, nil, func(c *harnessConfig) { c.front.ReadHeaderTimeout = 200 * time.Millisecond })
	c := h.below()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("an answer")
	}
	eventually(t, "the count", func() bool { return h.slow("handshake") == 1 })
}

// TestPlainRequestToTheSecurePort is told so.
func TestPlainRequestToTheSecurePort(t *testing.T) {
	if !spoken.secure() {
		t.Skip("about TLS")
	}
	c := start(t, nil).below()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
	if all, _ := io.ReadAll(c); !strings.Contains(string(all), "for HTTPS") {
		t.Errorf("%q", all)
	}
}
