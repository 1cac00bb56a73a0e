package transport_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1/transport"
)

func TestResponsesWithoutBodyLeaveTheConnection(t *testing.T) {
	c := call(t, server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(204)
		case "/304":
			w.WriteHeader(304)
		default:
			w.Header().Set("Content-Length", "7")
		}
	}), transport.Config{})
	for i, req := range []*message.Request{request("HEAD", "/", "", 0), get("/204"), get("/304"), request("HEAD", "/", "", 0)} {
		if _, body, reused := c.do(req); body != "" || reused != (i > 0) {
			t.Errorf("%d: %q reused %t", i, body, reused)
		}
	}
}

func TestConnectionsThatMustNotBeUsedAgain(t *testing.T) {
	for name, answer := range map[string]string{
		"close":           "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0":        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"more than asked": ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
	} {
		t.Run(name, func(t *testing.T) {
			c := call(t, script(t, func(n int, c net.Conn) {
				_ = readHead(c)
				_, _ = io.WriteString(c, answer)
				_ = readHead(c)
			}), transport.Config{})
			for range 2 {
				if _, body, reused := c.do(get("/")); body != "ok" || reused {
					t.Errorf("%q reused %t", body, reused)
				}
			}
		})
	}
}

// TestAnswersThatNobodyAskedFor: what comes while a connection is idle must not be
// taken for the answer to the next request.
func TestAnswersThatNobodyAskedFor(t *testing.T) {
	poisoned := make(chan struct{})
	c := call(t, script(t, func(n int, c net.Conn) {
		_ = readHead(c)
		_, _ = io.WriteString(c, ok)
		if n == 0 {
			<-poisoned
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			poisoned <- struct{}{}
		}
		_ = readHead(c)
	}), transport.Config{})
	c.do(get("/"))
	poisoned <- struct{}{}
	<-poisoned
	if _, body, reused := c.do(get("/")); body != "ok" || reused {
		t.Errorf("%q reused %t", body, reused)
	}
}

func TestRetryOnAPooledConnectionThatFails(t *testing.T) {
	for name, tt := range map[string]struct {
		req   *message.Request
		fails bool
	}{
		"GET":             {get("/"), false},
		"small PUT":       {request("PUT", "/", "hi", 2), false},
		"POST":            {request("POST", "/", "hi", 2), true},
		"POST with a key": {request("POST", "/", "hi", 2, "Idempotency-Key", "k"), false},
		"streamed PUT":    {request("PUT", "/", "hi", -1), true},
	} {
		t.Run(name, func(t *testing.T) {
			// The first connection serves once and hangs up on the second request.
			c := call(t, script(t, func(n int, c net.Conn) {
				for served := 0; ; served++ {
					head := readHead(c)
					if head == "" || n == 0 && served == 1 {
						return
					}
					if strings.Contains(head, "Content-Length: 2") {
						_, _ = io.ReadFull(c, make([]byte, 2))
					}
					_, _ = io.WriteString(c, ok)
				}
			}), transport.Config{})
			c.do(get("/"))
			_, body, _, err := c.try(tt.req)
			if (err != nil) != tt.fails || err == nil && body != "ok" {
				t.Errorf("%q %v", body, err)
			}
		})
	}
}

func TestNoRetryOnAFreshConnection(t *testing.T) {
	c := call(t, script(t, func(_ int, c net.Conn) { _ = readHead(c) }), transport.Config{})
	if _, _, _, err := c.try(get("/")); err == nil || c.dials.Load() != 1 {
		t.Errorf("%v, %d connections", err, c.dials.Load())
	}
}

// TestClosedIdleConnectionsAreNoticed: a POST must not fail because the server
// closed an idle connection, as servers do.
func TestClosedIdleConnectionsAreNoticed(t *testing.T) {
	closed := make(chan struct{}, 1)
	c := call(t, script(t, func(n int, c net.Conn) {
		head := readHead(c)
		if strings.HasPrefix(head, "POST") {
			_, _ = io.ReadFull(c, make([]byte, 2))
		}
		_, _ = io.WriteString(c, ok)
		_ = c.Close()
		closed <- struct{}{}
	}), transport.Config{})
	for range 5 {
		if _, body, reused := c.do(request("POST", "/", "hi", 2)); body != "ok" || reused {
			t.Fatalf("%q reused %t", body, reused)
		}
		<-closed
	}
}

func TestIdleConnectionsAreLimitedAndExpire(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	var open atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-release }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := call(t, s.URL, transport.Config{IdlePerTarget: 2, IdleTimeout: 300 * time.Millisecond})
	errs := make(chan error, 5)
	for range 5 {
		go func() { _, _, _, err := c.try(get("/")); errs <- err }()
	}
	for range 5 {
		<-arrived
	}
	if open.Load() != 5 {
		t.Errorf("%d connections at once", open.Load())
	}
	close(release)
	for range 5 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	eventually(t, "three to close", func() bool { return open.Load() <= 2 })
	eventually(t, "all to expire", func() bool { return open.Load() == 0 })
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited for %s", what)
		case <-tick.C:
		}
	}
}
