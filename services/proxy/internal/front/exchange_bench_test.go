package front_test

import (
	"net"
	"strings"
	"syscall"
	"testing"
)

// BenchmarkExchange is one keep-alive connection through the whole data plane,
// between a client and an upstream that only move bytes: what is above
// BenchmarkExchangeFloor is the proxy's. cpu-ns/op is the processor time of all
// three; other processes change it less than ns/op.
func BenchmarkExchange(b *testing.B) {
	up := listen(b, answering)
	h := start(b, to("http://"+up))
	exchanges(b, h.Address, func(i int) {
		for i%200 == 0 && h.Tap.Batch() != nil {
			// As a shipper does; a full ring would make it cheaper.
		}
	})
}

// BenchmarkExchangeFloor is the same with nothing between client and upstream.
func BenchmarkExchangeFloor(b *testing.B) {
	exchanges(b, listen(b, answering), func(int) {})
}

// answer is what the upstream says to each request, read at once.
var answer = []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", 1024))

func answering(c net.Conn) {
	buf := make([]byte, 4096)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

func exchanges(b *testing.B, address string, between func(i int)) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := []byte("GET /x HTTP/1.1\r\nHost: api.test\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n")
	buf := make([]byte, 8192)
	b.ReportAllocs()
	begin := used(b)
	i := 0
	for ; b.Loop(); i++ {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		for n := 0; n < len(answer); {
			got, err := conn.Read(buf)
			if n += got; err != nil {
				b.Fatal(n, err)
			}
			if strings.HasSuffix(string(buf[:got]), "xxxx") {
				break
			}
		}
		between(i)
	}
	b.ReportMetric(float64(used(b)-begin)/float64(i), "cpu-ns/op")
}

func used(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
