package transport_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1/transport"
)

func TestBothDirectionsAtTheSameTime(t *testing.T) {
	c := call(t, server(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(200)
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "echo %s\n", lines.Text())
			w.(http.Flusher).Flush()
		}
	}), transport.Config{})
	for range 2 {
		out, in := io.Pipe()
		req := request("POST", "/", "", -1)
		req.Body = out
		go func() { _, _ = io.WriteString(in, "0\n") }()
		res, _, err := c.pool.RoundTrip(context.Background(), c.target, transport.Call{Request: req})
		if err != nil {
			t.Fatal(err)
		}
		answers := bufio.NewScanner(res.Body)
		for i := range 3 {
			if !answers.Scan() || answers.Text() != fmt.Sprintf("echo %d", i) {
				t.Fatalf("answer %d: %q %v", i, answers.Text(), answers.Err())
			}
			if i < 2 {
				fmt.Fprintf(in, "%d\n", i+1)
			}
		}
		_ = in.Close()
		if answers.Scan() {
			t.Errorf("more than was sent: %q", answers.Text())
		}
	}
}

// TestEarlyAnswer: a server may refuse a body before it has read it.
func TestEarlyAnswer(t *testing.T) {
	c := call(t, script(t, func(_ int, c net.Conn) {
		_ = readHead(c)
		_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		_, _ = io.Copy(io.Discard, c)
	}), transport.Config{})
	out, in := io.Pipe()
	req := request("POST", "/", "", 1<<20)
	req.Body = out
	go func() { _, _ = io.WriteString(in, "begin") }()
	res, body, _, err := c.try(req)
	if err != nil || res.Status != 413 || body != "big" {
		t.Errorf("%v %q %v", res, body, err)
	}
	_ = out.Close() // as a front end does at the end of an exchange
}

func TestInformationalResponses(t *testing.T) {
	c := call(t, server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a>")
		w.WriteHeader(103)
		w.Header().Set("Link", "</b>")
		w.WriteHeader(103)
		w.WriteHeader(204)
	}), transport.Config{})
	var told []string
	inform := func(status int, h message.Header) { told = append(told, fmt.Sprint(status, h.Get("link"))) }
	res, _, err := c.pool.RoundTrip(context.Background(), c.target, transport.Call{Request: get("/"), Inform: inform})
	if err != nil || res.Status != 204 || fmt.Sprint(told) != "[103</a> 103</b>]" {
		t.Errorf("%v %v %v", res, told, err)
	}
}

func TestExpectContinue(t *testing.T) {
	c := call(t, server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.WriteHeader(417)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}), transport.Config{})
	for path, want := range map[string]string{"/take": "200 body true", "/refuse": "417  false"} {
		var read atomic.Bool // by the goroutine that sends
		req := request("POST", path, "", 4, "Expect", "100-continue")
		source := strings.NewReader("body")
		req.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) { read.Store(true); return source.Read(p) }))
		res, body, _, err := c.try(req)
		if err != nil || fmt.Sprint(res.Status, " ", body, " ", read.Load()) != want {
			t.Errorf("%s: %v %q, read %t, %v", path, res, body, read.Load(), err)
		}
	}
}

// TestExpectContinueIsNotWaitedForForEver: a server need not send it.
func TestExpectContinueIsNotWaitedForForEver(t *testing.T) {
	c := call(t, script(t, func(_ int, c net.Conn) {
		_ = readHead(c)
		body := make([]byte, 4)
		_, _ = io.ReadFull(c, body)
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n%s", body)
	}), transport.Config{})
	if _, body, _ := c.do(request("POST", "/", "body", 4, "Expect", "100-continue")); body != "body" {
		t.Error(body)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestUpgrade(t *testing.T) {
	c := call(t, script(t, func(_ int, c net.Conn) {
		head := readHead(c)
		if !strings.Contains(head, "\r\nConnection: Upgrade\r\nUpgrade: lines\r\n") {
			_, _ = io.WriteString(c, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: lines\r\nX: y\r\n\r\nwelcome\n")
		_, _ = io.Copy(c, c)
	}), transport.Config{})
	res, _, err := c.pool.RoundTrip(context.Background(), c.target, transport.Call{Request: request("GET", "/", "", 0, "Connection", "keep-alive, Upgrade", "Upgrade", "lines")})
	if err != nil || res.Status != 101 || res.Header.Get("upgrade") != "lines" || res.Header.Get("connection") != "Upgrade" || res.Header.Get("x") != "y" {
		t.Fatalf("%v %v", res, err)
	}
	stream := res.Body.(interface {
		io.ReadWriteCloser
		CloseWrite() error
	})
	_, _ = io.WriteString(stream, "hello\n")
	if err := stream.CloseWrite(); err != nil {
		t.Error(err)
	}
	if all, err := io.ReadAll(stream); string(all) != "welcome\nhello\n" || err != nil {
		t.Errorf("%q %v", all, err)
	}
	_ = stream.Close()
}
