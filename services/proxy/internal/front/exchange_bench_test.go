package front_test

import (
	"bytes"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// BenchmarkExchange is 64 keep-alive connections through the whole data plane,
// capture included, between clients and an upstream that only move bytes: what is
// above BenchmarkExchangeFloor is the proxy's. cpu-ns/op is the processor time of
// all three; other processes change it less than ns/op.
func BenchmarkExchange(b *testing.B) {
	h := start(b, to("http://"+listen(b, answering)))
	var n atomic.Int64
	exchanges(b, h.Address, func() {
		for n.Add(1)%256 == 0 && h.Tap.Batch() != nil {
			// As a shipper does; a full ring would make it cheaper.
		}
	})
}

// BenchmarkExchangeFloor is the same with nothing between clients and upstream.
func BenchmarkExchangeFloor(b *testing.B) {
	exchanges(b, listen(b, answering), func() {})
}

// answer is what the upstream says to each request, read at once.
var answer = []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", 1020) + "end\n")

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

func exchanges(b *testing.B, address string, after func()) {
	request := []byte("GET /x HTTP/1.1\r\nHost: api.test\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n")
	b.ReportAllocs()
	b.SetParallelism(32)
	begin := used(b)
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		buf := make([]byte, 8192)
		for pb.Next() {
			if _, err := conn.Write(request); err != nil {
				b.Error(err)
				return
			}
			for n := 0; !bytes.HasSuffix(buf[:n], []byte("end\n")); {
				if n, err = conn.Read(buf); err != nil {
					b.Error(err)
					return
				}
			}
			after()
		}
	})
	b.ReportMetric(float64(used(b)-begin)/float64(b.N), "cpu-ns/op")
}

func used(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
