package transport_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice.dev/services/proxy/internal/http1/transport"
)

func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestPauseOfAResponse: the body stops, and the connection with it.
func TestPauseOfAResponse(t *testing.T) {
	release := make(chan struct{})
	c := call(t, server(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "some")
		w.(http.Flusher).Flush()
		<-release
	}), transport.Config{Timeouts: transport.Timeouts{Pause: 100 * time.Millisecond}})
	defer close(release)
	_, body, _, err := c.try(get("/"))
	if body != "some" || !timedOut(err) {
		t.Errorf("%q %v", body, err)
	}
}

// TestPauseOfARequest: the server takes no more of the body.
func TestPauseOfARequest(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		if nc, err := l.Accept(); err == nil {
			accepted <- nc // and is not read
		}
	}()
	c := call(t, l.Addr().String(), transport.Config{Timeouts: transport.Timeouts{Pause: 100 * time.Millisecond}})
	big := strings.Repeat("x", 64<<20)
	if _, _, _, err := c.try(request("POST", "/", big, int64(len(big)))); !timedOut(err) {
		t.Errorf("%v", err)
	}
	_ = (<-accepted).Close()
}

// TestTimeoutsOfACall stand in place of the pool's; a connection that waited with a
// deadline in the past serves again.
func TestTimeoutsOfACall(t *testing.T) {
	release := make(chan struct{})
	c := call(t, server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-release
		}
		_, _ = io.WriteString(w, "ok")
	}), transport.Config{Timeouts: transport.Timeouts{FirstByte: time.Hour}})
	defer close(release)
	short := transport.Timeouts{FirstByte: 50 * time.Millisecond, Pause: 50 * time.Millisecond}
	try := func(target string) (transport.Trace, error) {
		res, trace, err := c.pool.RoundTrip(context.Background(), c.target, transport.Call{Request: get(target), Timeouts: short})
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
		}
		return trace, err
	}
	if trace, err := try("/"); err != nil || trace.Reused || trace.Connect <= 0 || trace.TLSHandshake != 0 || trace.Sent.IsZero() {
		t.Fatalf("%+v %v", trace, err)
	}
	<-time.After(200 * time.Millisecond) // all that was set has passed
	if trace, err := try("/"); err != nil || !trace.Reused || trace.Connect != 0 {
		t.Errorf("%+v %v", trace, err)
	}
	if trace, err := try("/slow"); !timedOut(err) || !trace.Begun {
		t.Errorf("%+v %v", trace, err)
	}
}

func TestConnectTimeoutIncludesTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	c := call(t, l.Addr().String(), transport.Config{Timeouts: transport.Timeouts{Connect: 100 * time.Millisecond}})
	c.target.TLS = s.Client().Transport.(*http.Transport).TLSClientConfig
	var connect *transport.ConnectError
	if _, _, _, err := c.try(get("/")); !errors.As(err, &connect) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
