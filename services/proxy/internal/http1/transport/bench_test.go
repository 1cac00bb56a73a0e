package transport_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1/transport"
)

// answering is a server that answers each request head at once and does nothing
// else, so that the client's cost shows.
func answering(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	answer := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", 1024)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 4096)
				for {
					if _, err := c.Read(buf); err != nil {
						return
					}
					if _, err := io.WriteString(c, answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// cpu reports the processor time of the process, the server's included.
func cpu(b *testing.B) {
	b.Helper()
	b.ReportAllocs()
	used := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	start := used()
	b.Cleanup(func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") })
}

func BenchmarkRoundTrip(b *testing.B) {
	target := transport.Target{Address: answering(b)}
	pool := transport.New(transport.Config{})
	b.Cleanup(pool.Close)
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	req := &message.Request{Method: "GET", Target: "/v1/orders", Host: "api.test", Header: message.Header{{Name: "Accept", Value: "*/*"}, {Name: "User-Agent", Value: "bench"}}}
	buf := make([]byte, 4096)
	cpu(b)
	for b.Loop() {
		res, _, err := pool.RoundTrip(ctx, target, transport.Call{Request: req})
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := res.Body.Read(buf); err != nil {
				break
			}
		}
		_ = res.Body.Close()
	}
}

// BenchmarkFloor is the same exchange with no HTTP at all.
func BenchmarkFloor(b *testing.B) {
	c, err := net.Dial("tcp", answering(b))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	buf := make([]byte, 4096)
	cpu(b)
	for b.Loop() {
		_, _ = io.WriteString(c, "GET /v1/orders HTTP/1.1\r\nHost: api.test\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n")
		if _, err := r.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRoundTripNetHTTP(b *testing.B) {
	url := "http://" + answering(b) + "/v1/orders"
	t := &http.Transport{DisableCompression: true}
	b.Cleanup(t.CloseIdleConnections)
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	buf := make([]byte, 4096)
	cpu(b)
	for b.Loop() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			b.Fatal(err)
		}
		res, err := t.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := res.Body.Read(buf); err != nil {
				break
			}
		}
		_ = res.Body.Close()
	}
}
