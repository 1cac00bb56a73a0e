package http1_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice.dev/platform/message"
	"sluice.dev/services/proxy/internal/http1"
)

const benchRequest = "GET /v1/orders/42?expand=lines HTTP/1.1\r\nHost: api.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36\r\n" +
	"Accept: application/json, text/plain, */*\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\n" +
	"Authorization: Bearer 0123456789abcdef0123456789abcdef\r\nConnection: keep-alive\r\nX-Request-Id: 5f0c7a6e-0c39-4d7b-9a55-3a8a5e0d5a11\r\n\r\n"

var benchResponse = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 02 Jan 2026 15:04:05 GMT\r\nServer: test\r\n" +
	"Cache-Control: no-store\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", 1024)

// endless gives the same bytes again and again, one message with each read.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

func BenchmarkReadRequest(b *testing.B) {
	r := http1.NewReader(&endless{text: benchRequest}, http1.Limits{})
	b.SetBytes(int64(len(benchRequest)))
	cpu(b)
	for b.Loop() {
		q := new(http1.Request)
		if err := r.ReadRequest(q); err != nil {
			b.Fatal(err)
		}
		sink = &q.Request
	}
}

func BenchmarkReadRequestNetHTTP(b *testing.B) {
	r := bufio.NewReader(&endless{text: benchRequest})
	b.SetBytes(int64(len(benchRequest)))
	cpu(b)
	for b.Loop() {
		if _, err := http.ReadRequest(r); err != nil {
			b.Fatal(err)
		}
	}
}

var sink any

// cpu reports the processor time of the process for each operation, which other
// processes on the machine change less than ns/op. Use with -cpu 1.
func cpu(b *testing.B) {
	b.Helper()
	b.ReportAllocs()
	start := used(b)
	b.Cleanup(func() { b.ReportMetric(float64(used(b)-start)/float64(b.N), "cpu-ns/op") })
}

func used(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func BenchmarkReadResponse(b *testing.B) {
	r := http1.NewReader(&endless{text: benchResponse}, http1.Limits{})
	b.SetBytes(int64(len(benchResponse)))
	cpu(b)
	buf := make([]byte, 4096)
	for b.Loop() {
		p := new(http1.Response)
		if err := r.ReadResponse(p, "GET"); err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := p.Body.Read(buf); err != nil {
				break
			}
		}
		sink = &p.Response
	}
}

func BenchmarkReadResponseNetHTTP(b *testing.B) {
	r := bufio.NewReader(&endless{text: benchResponse})
	b.SetBytes(int64(len(benchResponse)))
	cpu(b)
	buf := make([]byte, 4096)
	for b.Loop() {
		p, err := http.ReadResponse(r, nil)
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := p.Body.Read(buf); err != nil {
				break
			}
		}
	}
}

func BenchmarkWriteRequest(b *testing.B) {
	var q http1.Request
	if err := http1.NewReader(strings.NewReader(benchRequest), http1.Limits{}).ReadRequest(&q); err != nil {
		b.Fatal(err)
	}
	w := http1.NewWriter(io.Discard)
	cpu(b)
	for b.Loop() {
		if err := w.Request(&q.Request, http1.Server{}, 0, http1.Connection{}); err != nil {
			b.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteResponse(b *testing.B) {
	var p http1.Response
	if err := http1.NewReader(strings.NewReader(benchResponse), http1.Limits{}).ReadResponse(&p, "GET"); err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(p.Body)
	if err != nil {
		b.Fatal(err)
	}
	src := bytes.NewReader(body)
	w := http1.NewWriter(io.Discard)
	now := time.Now()
	cpu(b)
	for b.Loop() {
		src.Reset(body)
		if err := w.Response(&p.Response, 1024, http1.Connection{}, now); err != nil {
			b.Fatal(err)
		}
		if err := w.Body(src, 1024, nil, false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadChunked(b *testing.B) {
	text := "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
		strings.Repeat("400\r\n"+strings.Repeat("x", 1024)+"\r\n", 64) + "0\r\n\r\n"
	r := http1.NewReader(&endless{text: text}, http1.Limits{})
	b.SetBytes(64 << 10)
	cpu(b)
	buf := make([]byte, 16<<10)
	for b.Loop() {
		var q http1.Request
		if err := r.ReadRequest(&q); err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := q.Body.Read(buf); err != nil {
				break
			}
		}
	}
}

func BenchmarkWriteChunked(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 64<<10)
	src := bytes.NewReader(body)
	w := http1.NewWriter(io.Discard)
	trailer := message.Header{}
	b.SetBytes(64 << 10)
	cpu(b)
	for b.Loop() {
		src.Reset(body)
		if err := w.Body(src, http1.Chunked, &trailer, false); err != nil {
			b.Fatal(err)
		}
	}
}
